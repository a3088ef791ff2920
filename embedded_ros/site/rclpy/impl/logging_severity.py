"""Stands in for rclpy.impl.logging_severity."""

from embedded_ros.log import LoggingSeverity
