"""Stands in for rclpy.clock_type."""

from embedded_ros.times import ClockType
