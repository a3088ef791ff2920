"""Stands in for rclpy.parameter_client."""

from embedded_ros.errors import refuse_unknown_names
from embedded_ros.parameter_client import AsyncParameterClient

__getattr__ = refuse_unknown_names(__name__)
