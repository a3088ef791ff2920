"""Stands in for rclpy.validate_node_name."""

from embedded_ros.names import validate_node_name
