"""Stands in for rclpy.clock."""

from embedded_ros.clocks import Clock, ClockChange, JumpHandle, JumpThreshold, ROSClock, TimeJump
from embedded_ros.times import ClockType
