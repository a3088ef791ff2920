"""Stands in for rclpy.publisher."""

from embedded_ros.errors import refuse_unknown_names
from embedded_ros.topics import Publisher

__getattr__ = refuse_unknown_names(__name__)
