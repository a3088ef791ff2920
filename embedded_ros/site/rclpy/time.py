"""Stands in for rclpy.time."""

from embedded_ros.clocks import Duration, Time
from embedded_ros.errors import refuse_unknown_names

__all__ = ["Duration", "Time"]
__getattr__ = refuse_unknown_names(__name__)
