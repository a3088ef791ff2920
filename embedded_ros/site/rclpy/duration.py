"""Stands in for rclpy.duration."""

from embedded_ros.errors import refuse_unknown_names
from embedded_ros.times import Duration, Infinite

__getattr__ = refuse_unknown_names(__name__)
