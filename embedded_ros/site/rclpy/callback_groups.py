"""Stands in for rclpy.callback_groups."""

from embedded_ros.callback_groups import CallbackGroup, MutuallyExclusiveCallbackGroup, ReentrantCallbackGroup
from embedded_ros.errors import refuse_unknown_names

__getattr__ = refuse_unknown_names(__name__)
