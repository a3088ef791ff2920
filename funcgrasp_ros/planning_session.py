"""What an active node plans with, from activation to deactivation."""

import dataclasses
from typing import Protocol

from rclpy.node import Node
from std_msgs.msg import Header

from funcgrasp_core.contracts import GraspPlan, GraspRequest, ObjectObservation
from funcgrasp_core.planning.request_queue import RequestQueue
from funcgrasp_ros import msg
from funcgrasp_ros.conversions.requests import request_from_message
from funcgrasp_ros.latest_message import InputHealth
from funcgrasp_ros.object_inputs import ObjectInputs
from funcgrasp_ros.planner_settings import PlannerSettings


class Planner(Protocol):
    """What the node needs of a planner."""

    def plan(self, observation: ObjectObservation, request: GraspRequest) -> GraspPlan:
        """Plans, or raises a FuncGraspError."""
        ...


@dataclasses.dataclass(frozen=True)
class PlanningJob:
    """One request on its way to the planner.

    Attributes:
        message: as it came.
        request: what is asked of the planner.
        settings: that counted when it came.
    """

    message: msg.GraspRequest
    request: GraspRequest
    settings: PlannerSettings


class PlanningSession:
    """Listens to the inputs and plans, one request after another, in a thread of its own.

    The input of a request is prepared in that thread too, when its turn has come: it is the newest then, and a request
    that finds the queue full is refused before any work is done for it.

    Args:
        node: whose executor runs the callbacks of the inputs.
        planner: used by no other session at the same time.
        settings: of the queue and the topics.
    """

    def __init__(self, node: Node, planner: Planner, settings: PlannerSettings):
        self._planner = planner
        self._inputs = ObjectInputs(node, settings)
        self._queue: RequestQueue[PlanningJob, tuple[GraspPlan, Header]] = RequestQueue(
            self._work, capacity=settings.queue_size, name="planning"
        )

    def plan(self, message: msg.GraspRequest, settings: PlannerSettings) -> tuple[GraspPlan, Header]:
        """Waits for the plan; the header holds its frame and the stamp of its cloud.

        Raises:
            FuncGraspError: a child that says why there is none; CancelledError once the session is cancelled.
        """
        request = request_from_message(message, settings.num_candidates, settings.max_candidates)
        return self._queue.submit(PlanningJob(message, request, settings)).result()

    def cancel(self) -> None:
        """Stops listening and answers every request with CancelledError, the running one too; does not wait."""
        self._inputs.close()
        self._queue.close(timeout_s=0, abandon_running=True)

    def wait_until_idle(self, timeout_s: float | None = None) -> None:
        """After `cancel`: waits until the planner has dropped the request that was running, and is free.

        Args:
            timeout_s: how long at most; None: however long it takes.
        """
        self._queue.close(timeout_s)

    def num_unfinished(self) -> int:
        """Requests that wait or run."""
        return len(self._queue)

    def input_health(self) -> list[InputHealth]:
        """How the topics are doing."""
        return self._inputs.health()

    def _work(self, job: PlanningJob) -> tuple[GraspPlan, Header]:
        prepared = self._inputs.prepare(job.message, job.settings)
        plan = self._planner.plan(prepared.observation, job.request)
        return dataclasses.replace(plan, notes=(*prepared.notes, *plan.notes)), prepared.header
