"""Stands in for rclpy.type_hash."""

from embedded_ros.endpoint_info import TypeHash
from embedded_ros.errors import refuse_unknown_names

__getattr__ = refuse_unknown_names(__name__)
