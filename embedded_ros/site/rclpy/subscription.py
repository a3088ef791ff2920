"""Stands in for rclpy.subscription."""

from embedded_ros.topics import Subscription
