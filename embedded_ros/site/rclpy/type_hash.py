"""Stands in for rclpy.type_hash."""

from embedded_ros.endpoint_info import TypeHash
