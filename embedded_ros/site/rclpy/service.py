"""Stands in for rclpy.service."""

from embedded_ros.errors import refuse_unknown_names
from embedded_ros.services import Service

__getattr__ = refuse_unknown_names(__name__)
