"""Stands in for rclpy.duration."""

from embedded_ros.times import Duration, Infinite
