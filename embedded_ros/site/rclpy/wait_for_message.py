"""Stands in for rclpy.wait_for_message."""

from embedded_ros.errors import refuse_unknown_names
from embedded_ros.topics import wait_for_message

__getattr__ = refuse_unknown_names(__name__)
