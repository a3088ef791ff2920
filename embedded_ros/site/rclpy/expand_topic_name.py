"""Stands in for rclpy.expand_topic_name."""

from embedded_ros.names import expand_topic_name
