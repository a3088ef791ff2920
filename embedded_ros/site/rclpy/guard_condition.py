"""Stands in for rclpy.guard_condition."""

from embedded_ros.waitables import GuardCondition
