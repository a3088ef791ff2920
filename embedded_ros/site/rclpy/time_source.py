"""Stands in for rclpy.time_source."""

from embedded_ros.simulated_time import CLOCK_TOPIC, USE_SIM_TIME_NAME, TimeSource
