"""Stands in for rclpy.clock."""

from embedded_ros.clocks import Clock, ClockType, ROSClock
from embedded_ros.errors import refuse_unknown_names

__all__ = ["Clock", "ClockType", "ROSClock"]
__getattr__ = refuse_unknown_names(__name__)
