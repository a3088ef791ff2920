"""Stands in for rclpy.context."""

from embedded_ros.context import Context
