"""Stands in for rclpy.serialization."""

from embedded_ros.errors import refuse_unknown_names
from embedded_ros.message_classes import deserialize_message, serialize_message

__getattr__ = refuse_unknown_names(__name__)
