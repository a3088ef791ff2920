"""Stands in for rclpy.subscription."""

from embedded_ros.errors import refuse_unknown_names
from embedded_ros.topics import Subscription

__getattr__ = refuse_unknown_names(__name__)
