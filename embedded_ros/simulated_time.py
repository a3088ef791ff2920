"""Simulated time: clocks that follow the topic /clock while the parameter `use_sim_time` is true."""

import weakref
from typing import Any

from embedded_ros.clocks import ROSClock
from embedded_ros.message_classes import message_class
from embedded_ros.parameters import Parameter
from embedded_ros.qos import QoSProfile, ReliabilityPolicy
from embedded_ros.times import ClockType, Time

CLOCK_TOPIC = "/clock"
USE_SIM_TIME_NAME = "use_sim_time"


class TimeSource:
    """Sets the clocks that are attached to it as a node's parameter `use_sim_time` and /clock say."""

    def __init__(self, *, node: Any = None):
        self._clock_sub: Any = None
        self._node_reference: weakref.ref | None = None
        self._clocks: set[ROSClock] = set()
        self._last_time_set = Time(clock_type=ClockType.ROS_TIME)
        self._ros_time_is_active = False
        if node is not None:
            self.attach_node(node)

    @property
    def ros_time_is_active(self) -> bool:
        """Whether the clocks show simulated time."""
        return self._ros_time_is_active

    @ros_time_is_active.setter
    def ros_time_is_active(self, enabled: bool) -> None:
        if enabled == self._ros_time_is_active:
            return
        self._ros_time_is_active = enabled
        for clock in self._clocks:
            clock._set_ros_time_is_active(enabled)
        node = self._get_node()
        if not enabled:
            self._unsubscribe()
        elif node is not None and self._clock_sub is None:
            self._clock_sub = node.create_subscription(
                message_class("rosgraph_msgs/msg/Clock"), CLOCK_TOPIC, self.clock_callback,
                QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT),
            )  # fmt: skip

    def attach_node(self, node: Any) -> None:
        """Follow a node's parameter and subscribe through it."""
        from embedded_ros.node import Node

        if not isinstance(node, Node):
            raise TypeError("Node must be of type rclpy.node.Node")
        self.detach_node()
        self._node_reference = weakref.ref(node)
        if not node.has_parameter(USE_SIM_TIME_NAME):
            node.declare_parameter(USE_SIM_TIME_NAME, False)
        wanted = node.get_parameter(USE_SIM_TIME_NAME)
        if wanted.type_ is Parameter.Type.BOOL:
            self.ros_time_is_active = wanted.value
        else:
            node.get_logger().error(f"Invalid type for parameter '{USE_SIM_TIME_NAME}' {wanted.type_!r} should be bool")
        node.add_on_set_parameters_callback(self._on_parameter_event)

    def detach_node(self) -> None:
        """Stop following the node."""
        self._unsubscribe()
        self._node_reference = None

    def attach_clock(self, clock: ROSClock) -> None:
        """Set a clock from now on; ValueError for one that is not of ROS time."""
        if not isinstance(clock, ROSClock):
            raise ValueError("Only clocks with type ROS_TIME can be attached.")
        clock.set_ros_time_override(self._last_time_set)
        clock._set_ros_time_is_active(self._ros_time_is_active)
        self._clocks.add(clock)

    def clock_callback(self, msg: Any) -> None:
        """Set the clocks to a message's time."""
        self._last_time_set = Time.from_msg(msg.clock)
        for clock in self._clocks:
            clock.set_ros_time_override(self._last_time_set)

    def _on_parameter_event(self, parameter_list: list[Parameter]) -> Any:
        reason = ""
        for parameter in parameter_list:
            if parameter.name == USE_SIM_TIME_NAME and parameter.type_ is Parameter.Type.BOOL:
                self.ros_time_is_active = parameter.value
            elif parameter.name == USE_SIM_TIME_NAME:
                reason = f"{USE_SIM_TIME_NAME} parameter set to something besides a bool"
        return message_class("rcl_interfaces/msg/SetParametersResult")(successful=not reason, reason=reason)

    def _unsubscribe(self) -> None:
        node = self._get_node()
        if node is not None and self._clock_sub is not None:
            node.destroy_subscription(self._clock_sub)
        self._clock_sub = None

    def _get_node(self) -> Any:
        return None if self._node_reference is None else self._node_reference()
