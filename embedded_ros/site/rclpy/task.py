"""Stands in for rclpy.task."""

from embedded_ros.errors import refuse_unknown_names
from embedded_ros.tasks import Future, Task

__getattr__ = refuse_unknown_names(__name__)
