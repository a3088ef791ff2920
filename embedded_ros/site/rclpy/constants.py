"""Stands in for rclpy.constants."""

from embedded_ros.errors import refuse_unknown_names
from embedded_ros.times import S_TO_NS

__getattr__ = refuse_unknown_names(__name__)
