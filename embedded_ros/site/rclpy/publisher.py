"""Stands in for rclpy.publisher."""

from embedded_ros.topics import Publisher
