"""Waiting for what must come true."""

import time
from collections.abc import Callable

import rclpy
from rclpy.node import Node

PATIENCE_S = 120.0


def spin_until(node: Node, condition: Callable[[], bool]) -> None:
    """Spins a node until the condition holds."""
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline_s, "the condition did not come true in time"
        rclpy.spin_once(node, timeout_sec=0.1)
