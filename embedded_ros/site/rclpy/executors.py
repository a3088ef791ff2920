"""Stands in for rclpy.executors."""

from embedded_ros.errors import refuse_unknown_names
from embedded_ros.exceptions import (
    ConditionReachedException,
    ExternalShutdownException,
    ShutdownException,
    TimeoutException,
)
from embedded_ros.executors import Executor, MultiThreadedExecutor, SingleThreadedExecutor, await_or_execute

__getattr__ = refuse_unknown_names(__name__)
