"""Stands in for rclpy.validate_parameter_name."""

from embedded_ros.names import validate_parameter_name
