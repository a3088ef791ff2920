"""Stands in for rclpy.expand_topic_name."""

from embedded_ros.errors import refuse_unknown_names
from embedded_ros.names import expand_topic_name

__getattr__ = refuse_unknown_names(__name__)
