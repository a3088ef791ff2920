"""Stands in for rclpy.clock_type."""

from embedded_ros.errors import refuse_unknown_names
from embedded_ros.times import ClockType

__getattr__ = refuse_unknown_names(__name__)
