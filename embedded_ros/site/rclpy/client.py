"""Stands in for rclpy.client."""

from embedded_ros.services import Client
