"""Stands in for rclpy.timer."""

from embedded_ros.timers import Rate, Timer
