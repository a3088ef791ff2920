"""Stands in for rclpy.parameter_client."""

from embedded_ros.parameter_client import AsyncParameterClient
