"""Stands in for rclpy.lifecycle."""

from embedded_ros.lifecycle import (
    LifecycleNode,
    LifecycleNodeMixin,
    LifecyclePublisher,
    ManagedEntity,
    SimpleManagedEntity,
)
from embedded_ros.lifecycle import LifecycleNode as Node
from embedded_ros.lifecycle import LifecyclePublisher as Publisher
from embedded_ros.lifecycle_states import LifecycleState, TransitionCallbackReturn
from embedded_ros.lifecycle_states import LifecycleState as State
