"""Stands in for rclpy.serialization."""

from embedded_ros.message_classes import deserialize_message, serialize_message
