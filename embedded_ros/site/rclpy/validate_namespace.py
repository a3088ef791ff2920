"""Stands in for rclpy.validate_namespace."""

from embedded_ros.errors import refuse_unknown_names
from embedded_ros.names import validate_namespace

__getattr__ = refuse_unknown_names(__name__)
