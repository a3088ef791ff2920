"""Stands in for rclpy.service."""

from embedded_ros.services import Service
