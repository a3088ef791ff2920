"""Stands in for rclpy.guard_condition."""

from embedded_ros.errors import refuse_unknown_names
from embedded_ros.waitables import GuardCondition

__getattr__ = refuse_unknown_names(__name__)
