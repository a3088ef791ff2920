"""A planner node with a client, each with its own DDS endpoints, in one process."""

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import rclpy
from rclpy.executors import MultiThreadedExecutor
from rclpy.parameter import Parameter
from sample_plans import SamplePlanner
from std_msgs.msg import Header

from funcgrasp_ros import msg, qos_profiles
from funcgrasp_ros.conversions.clouds import cloud_from_points
from funcgrasp_ros.grasp_planner_node import NUM_EXECUTOR_THREADS, GraspPlannerNode
from funcgrasp_ros.plan_grasp_client import PlanGraspClient

PATIENCE_S = 10.0


def object_points(num_points: int = 200, scale: float = 1.0, seed: int = 0) -> np.ndarray:
    """Points of a ball of 8 cm, times `scale`."""
    directions = np.random.default_rng(seed).normal(size=(num_points, 3))
    return (0.04 * scale * directions / np.linalg.norm(directions, axis=1, keepdims=True)).astype(np.float32)


class NodeBench:
    """Runs a GraspPlannerNode in threads of its own while the `with` block talks to it.

    Args:
        parameters: overrides of the node's.
        planner_builder: None: a SamplePlanner, kept as `planner`.
    """

    def __init__(self, parameters: dict[str, Any] | None = None, planner_builder: Callable | None = None):
        self.planner = SamplePlanner()
        self._parameters = parameters or {}
        self._builder = planner_builder or (lambda settings: self.planner)

    def __enter__(self) -> "NodeBench":
        rclpy.init()
        overrides = [Parameter(name, value=value) for name, value in self._parameters.items()]
        self.planner_node = GraspPlannerNode(self._builder, parameter_overrides=overrides)
        self.executor = MultiThreadedExecutor(num_threads=NUM_EXECUTOR_THREADS)
        self.executor.add_node(self.planner_node)
        self._spinning = threading.Thread(target=self.executor.spin, daemon=True)
        self.started = self.planner_node.start()
        self._spinning.start()
        self.node = rclpy.create_node("test_client")
        self.client = PlanGraspClient(self.node)
        assert self.client.wait_for_planner(PATIENCE_S)
        return self

    def __exit__(self, *exception: object) -> None:
        self.executor.shutdown()
        self._spinning.join(PATIENCE_S)
        self.planner_node.destroy_node()
        self.node.destroy_node()
        rclpy.try_shutdown()

    def request(self, instruction: str = "hold it", **fields) -> msg.GraspRequest:
        """A good request with a cloud of its own, but for the fields given."""
        good = {"cloud": cloud_from_points(object_points(), self.header()), "num_candidates": 2}
        return msg.GraspRequest(instruction=instruction, **{**good, **fields})

    def plan(self, request: msg.GraspRequest | None = None) -> msg.GraspPlan:
        """The node's answer to a request, by default a good one."""
        return self.client.plan(request or self.request(), PATIENCE_S)

    def header(self, frame: str = "table") -> Header:
        """Frame and the time of now."""
        return Header(frame_id=frame, stamp=self.node.get_clock().now().to_msg())

    def publisher(self, message_type: type, topic: str, profile=qos_profiles.SENSOR_OUTPUT):
        """A publisher that the planner node has already found."""
        publisher = self.node.create_publisher(message_type, topic, profile)
        self.wait_until(lambda: publisher.get_subscription_count() > 0)
        return publisher

    def listen(self, message_type: type, topic: str, profile=qos_profiles.LATCHED_OUTPUT) -> list:
        """A list to which messages of the topic are added while the client's node spins."""
        received: list = []
        self.node.create_subscription(message_type, topic, received.append, profile)
        return received

    def wait_until(self, condition: Callable[[], bool]) -> None:
        """Spins the client's node until the condition holds."""
        deadline_s = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline_s, "the condition did not come true in time"
            rclpy.spin_once(self.node, timeout_sec=0.02)
