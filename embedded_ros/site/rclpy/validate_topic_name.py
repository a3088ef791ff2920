"""Stands in for rclpy.validate_topic_name."""

from embedded_ros.names import validate_topic_name
