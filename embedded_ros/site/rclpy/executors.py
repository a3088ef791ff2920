"""Stands in for rclpy.executors."""

from embedded_ros.exceptions import (
    ConditionReachedException,
    ExternalShutdownException,
    ShutdownException,
    TimeoutException,
)
from embedded_ros.executors import Executor, MultiThreadedExecutor, SingleThreadedExecutor, await_or_execute
