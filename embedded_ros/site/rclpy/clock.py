"""Stands in for rclpy.clock."""

from embedded_ros.clocks import Clock, ClockChange, JumpHandle, JumpThreshold, ROSClock, TimeJump
from embedded_ros.errors import refuse_unknown_names
from embedded_ros.times import ClockType

__getattr__ = refuse_unknown_names(__name__)
