"""The planner's state, and that of its inputs, on `/diagnostics`."""

import threading
from collections import deque
from collections.abc import Callable, Mapping

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.callback_groups import CallbackGroup
from rclpy.node import Node

from funcgrasp_core.errors import SUCCESS_CODE
from funcgrasp_ros import msg, qos_profiles
from funcgrasp_ros.conversions.grasp_plans import timings_from_message
from funcgrasp_ros.latest_message import InputHealth

NUM_RECENT_PLANS = 100
"""Latencies are those of so many plans."""

SILENCE_LIMIT_S = 5.0
"""An input that has come, and then not for so long, is worth a warning."""


class PlannerDiagnostics:
    """Counts answers and publishes readiness, load and inputs once in a period.

    Args:
        node: whose clock, name and executor are used.
        period_s: between two messages.
        callback_group: of the timer.
    """

    def __init__(self, node: Node, period_s: float, callback_group: CallbackGroup):
        self._node = node
        self._lock = threading.Lock()
        self._level, self._summary = DiagnosticStatus.ERROR, ""
        self._facts: dict[str, str] = {}
        self._num_unfinished: Callable[[], int] = int
        self._input_health: Callable[[], list[InputHealth]] = list
        self._num_planned = self._num_refused = 0
        self._latencies_s: deque[float] = deque(maxlen=NUM_RECENT_PLANS)
        self._last: dict[str, str] = {}
        self._publisher = node.create_publisher(DiagnosticArray, "/diagnostics", qos_profiles.DIAGNOSTICS_OUTPUT)
        self._timer = node.create_timer(period_s, self._publish, callback_group=callback_group)

    def set_ready(
        self,
        facts: Mapping[str, str],
        num_unfinished: Callable[[], int],
        input_health: Callable[[], list[InputHealth]],
    ) -> None:
        """From now on the node takes requests.

        Args:
            facts: what it plans with, by name.
            num_unfinished: tells how many requests wait or run.
            input_health: tells how the topics are doing.
        """
        with self._lock:
            self._level, self._summary = DiagnosticStatus.OK, "ready to plan"
            self._facts = dict(facts)
            self._num_unfinished, self._input_health = num_unfinished, input_health

    def set_not_ready(self, reason: str) -> None:
        """From now on the node refuses requests."""
        with self._lock:
            self._level, self._summary = DiagnosticStatus.ERROR, f"not ready: {reason}"
            self._facts = {}
            self._num_unfinished, self._input_health = int, list

    def count(self, answer: msg.GraspPlan, latency_s: float) -> None:
        """Takes note of an answer that was given so long after its request came."""
        with self._lock:
            if answer.code == SUCCESS_CODE:
                self._num_planned += 1
                self._latencies_s.append(latency_s)
                timings = timings_from_message(answer)
                self._last.update({f"last {name} [s]": f"{seconds:.3f}" for name, seconds in timings.items()})
            else:
                self._num_refused += 1
                self._last["last error"] = f"{answer.code}: {answer.message}"

    def _publish(self) -> None:
        array = DiagnosticArray(status=[self._planning_status(), self._input_status()])
        array.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(array)

    def _planning_status(self) -> DiagnosticStatus:
        with self._lock:
            values = {
                **self._facts,
                "unfinished requests": str(self._num_unfinished()),
                "plans": str(self._num_planned),
                "refusals": str(self._num_refused),
                **_latency_values(self._latencies_s),
                **self._last,
            }
            return self._status("planning", self._level, self._summary, values)

    def _input_status(self) -> DiagnosticStatus:
        inputs = self._input_health()
        silent = [health.name for health in inputs if health.silence_s and health.silence_s > SILENCE_LIMIT_S]
        num_heard = sum(health.silence_s is not None for health in inputs)
        level, summary = DiagnosticStatus.OK, f"{num_heard} of {len(inputs)} topics heard"
        if silent:
            level, summary = DiagnosticStatus.WARN, f"silent for over {SILENCE_LIMIT_S:g} s: {', '.join(silent)}"
        return self._status("inputs", level, summary, {health.name: _health_text(health) for health in inputs})

    def _status(self, part: str, level: bytes, summary: str, values: Mapping[str, str]) -> DiagnosticStatus:
        return DiagnosticStatus(
            level=level,
            name=f"{self._node.get_fully_qualified_name()}: {part}",
            message=summary,
            hardware_id=self._facts.get("device", ""),
            values=[KeyValue(key=key, value=value) for key, value in values.items()],
        )


def _latency_values(latencies_s: deque[float]) -> dict[str, str]:
    if not latencies_s:
        return {}
    median, slow = np.percentile(latencies_s, (50, 95))
    return {"latency p50 [s]": f"{median:.3f}", "latency p95 [s]": f"{slow:.3f}"}


def _health_text(health: InputHealth) -> str:
    if health.silence_s is None:
        return "nothing has come"
    return f"{health.rate_hz:.1f} Hz, last {health.silence_s:.2f} s ago"
