"""Stands in for rclpy.callback_groups."""

from embedded_ros.callback_groups import CallbackGroup, MutuallyExclusiveCallbackGroup, ReentrantCallbackGroup
