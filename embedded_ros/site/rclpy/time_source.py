"""Stands in for rclpy.time_source."""

from embedded_ros.errors import refuse_unknown_names
from embedded_ros.simulated_time import CLOCK_TOPIC, USE_SIM_TIME_NAME, TimeSource

__getattr__ = refuse_unknown_names(__name__)
