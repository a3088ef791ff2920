"""Stands in for rclpy.task."""

from embedded_ros.tasks import Future, Task
