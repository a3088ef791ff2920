"""Stands in for rclpy.validate_full_topic_name."""

from embedded_ros.names import validate_full_topic_name
