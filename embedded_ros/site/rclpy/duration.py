"""Stands in for rclpy.duration."""

from embedded_ros.clocks import Duration, Infinite
from embedded_ros.errors import refuse_unknown_names

__all__ = ["Duration", "Infinite"]
__getattr__ = refuse_unknown_names(__name__)
