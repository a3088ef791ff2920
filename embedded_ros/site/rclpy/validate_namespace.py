"""Stands in for rclpy.validate_namespace."""

from embedded_ros.names import validate_namespace
