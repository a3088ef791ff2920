"""Stands in for rclpy.constants."""

from embedded_ros.times import S_TO_NS
