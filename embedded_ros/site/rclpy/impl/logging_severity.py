"""Stands in for rclpy.impl.logging_severity."""

from embedded_ros.errors import refuse_unknown_names
from embedded_ros.log import LoggingSeverity

__getattr__ = refuse_unknown_names(__name__)
