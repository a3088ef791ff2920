"""The planner's state on `/diagnostics`."""

import threading

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.callback_groups import CallbackGroup
from rclpy.node import Node

from funcgrasp_core.errors import SUCCESS_CODE
from funcgrasp_ros import msg, qos_profiles
from funcgrasp_ros.conversions.grasp_plans import timings_from_message


class PlannerDiagnostics:
    """Counts answers and publishes readiness once in a period.

    Args:
        node: whose clock, name and executor are used.
        period_s: between two messages.
        callback_group: of the timer.
    """

    def __init__(self, node: Node, period_s: float, callback_group: CallbackGroup):
        self._node = node
        self._lock = threading.Lock()
        self._level, self._summary = DiagnosticStatus.ERROR, ""
        self._num_planned = self._num_refused = 0
        self._last: dict[str, str] = {}
        self._publisher = node.create_publisher(DiagnosticArray, "/diagnostics", qos_profiles.DIAGNOSTICS_OUTPUT)
        self._timer = node.create_timer(period_s, self._publish, callback_group=callback_group)

    def set_ready(self) -> None:
        """From now on the node takes requests."""
        with self._lock:
            self._level, self._summary = DiagnosticStatus.OK, "ready to plan"

    def set_not_ready(self, reason: str) -> None:
        """From now on the node refuses requests."""
        with self._lock:
            self._level, self._summary = DiagnosticStatus.ERROR, f"not ready: {reason}"

    def count(self, answer: msg.GraspPlan) -> None:
        """Takes note of an answer that was given."""
        with self._lock:
            if answer.code == SUCCESS_CODE:
                self._num_planned += 1
                timings = timings_from_message(answer)
                self._last = {f"last {name} [s]": f"{seconds:.3f}" for name, seconds in timings.items()}
            else:
                self._num_refused += 1
                self._last["last error"] = f"{answer.code}: {answer.message}"

    def _publish(self) -> None:
        with self._lock:
            values = {"plans": str(self._num_planned), "refusals": str(self._num_refused), **self._last}
            status = DiagnosticStatus(
                level=self._level,
                name=f"{self._node.get_fully_qualified_name()}: planning",
                message=self._summary,
                hardware_id="",
                values=[KeyValue(key=key, value=value) for key, value in values.items()],
            )
        array = DiagnosticArray(status=[status])
        array.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(array)
