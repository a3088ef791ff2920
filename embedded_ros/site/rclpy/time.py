"""Stands in for rclpy.time."""

from embedded_ros.times import Duration, Time
