"""Stands in for rclpy.client."""

from embedded_ros.errors import refuse_unknown_names
from embedded_ros.services import Client

__getattr__ = refuse_unknown_names(__name__)
