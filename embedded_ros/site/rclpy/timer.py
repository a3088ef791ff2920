"""Stands in for rclpy.timer."""

from embedded_ros.errors import refuse_unknown_names
from embedded_ros.timers import Rate, Timer

__getattr__ = refuse_unknown_names(__name__)
