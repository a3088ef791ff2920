"""Stands in for rclpy.time."""

from embedded_ros.errors import refuse_unknown_names
from embedded_ros.times import Duration, Time

__getattr__ = refuse_unknown_names(__name__)
