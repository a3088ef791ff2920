"""Stands in for rclpy.wait_for_message."""

from embedded_ros.topics import wait_for_message
