"""Stands in for rclpy.context."""

from embedded_ros.context import Context
from embedded_ros.errors import refuse_unknown_names

__getattr__ = refuse_unknown_names(__name__)
