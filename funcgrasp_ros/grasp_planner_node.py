"""The planner as a ROS 2 lifecycle node: cloud, images and an instruction in, ranked grasps and a contact map out.

Requests come over the service `plan_grasp` and the topic `instruction`; the answer to either is also shown on the
latched topics `~/grasps`, `~/contact_map`, `~/contact_cloud` and `~/markers`. Planning runs in one worker thread behind
a bounded queue, so that the executor stays free.
"""

import dataclasses
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

import rclpy
import torch
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup, ReentrantCallbackGroup
from rclpy.executors import ExternalShutdownException, MultiThreadedExecutor
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from std_msgs.msg import String

from funcgrasp_core.contracts import GraspPlan, GraspRequest, ObjectObservation
from funcgrasp_core.errors import SUCCESS_CODE, FuncGraspError, ModelNotReadyError
from funcgrasp_core.planning.grasp_planner import GraspPlanner
from funcgrasp_core.planning.request_queue import RequestQueue
from funcgrasp_ros import msg, qos_profiles, srv
from funcgrasp_ros.conversions.grasp_plans import message_from_error, message_from_plan
from funcgrasp_ros.conversions.requests import request_from_message
from funcgrasp_ros.diagnostics import PlannerDiagnostics
from funcgrasp_ros.node_parameters import PlannerSettings, declare_parameters, read_settings
from funcgrasp_ros.object_inputs import ObjectInputs, PreparedInput
from funcgrasp_ros.plan_outputs import PlanOutputs

NUM_OTHER_CALLBACKS = 4
"""Executor threads beside those that wait for plans: inputs, transforms, diagnostics, and requests to refuse."""

SHOWING_DELAY_S = 0.03
"""Plans are shown this much later than they are answered: turning meshes into messages must not hold up the answer, nor
the next request of a client that asks again at once."""


class Planner(Protocol):
    """What the node needs of a planner."""

    def plan(self, observation: ObjectObservation, request: GraspRequest) -> GraspPlan:
        """Plans, or raises a FuncGraspError."""
        ...


PlannerBuilder = Callable[[PlannerSettings], Planner]
PlanningJob = tuple[PreparedInput, GraspRequest]


def build_planner(settings: PlannerSettings) -> Planner:
    """The planner that the settings describe; loads the model."""
    if settings.num_threads:
        torch.set_num_threads(settings.num_threads)
    return GraspPlanner.from_checkpoint(
        Path(settings.checkpoint) if settings.checkpoint else None,
        hand_file=Path(settings.hand_file) if settings.hand_file else None,
        device=settings.device,
        hand_backend=settings.hand_backend,
    )


class GraspPlannerNode(LifecycleNode):
    """Lifecycle node `grasp_planner`.

    Args:
        planner_builder: makes the planner when the node is configured.
        node_arguments: of rclpy's node, such as `parameter_overrides`.
    """

    def __init__(self, planner_builder: PlannerBuilder = build_planner, **node_arguments):
        super().__init__("grasp_planner", **node_arguments)
        declare_parameters(self)
        self._build_planner = planner_builder
        self._refusal: FuncGraspError = _not_ready("it is not configured; send it the transition 'configure'")
        self._queue: RequestQueue[PlanningJob, GraspPlan] | None = None
        self._inputs: ObjectInputs | None = None
        self._outputs: PlanOutputs | None = None
        self._planner: Planner | None = None
        self._settings: PlannerSettings | None = None
        # Meshes and clouds are converted after the answer is sent, one plan after another.
        self._publishing = ThreadPoolExecutor(max_workers=1, thread_name_prefix="plan_outputs")
        self._requests_group = ReentrantCallbackGroup()
        self._service = self.create_service(
            srv.PlanGrasp, "plan_grasp", self._answer_service, callback_group=self._requests_group
        )
        self._instructions = self.create_subscription(
            String,
            "instruction",
            self._answer_instruction,
            qos_profiles.COMMAND_INPUT,
            callback_group=self._requests_group,
        )
        self._diagnostics = PlannerDiagnostics(
            self, self.get_parameter("diagnostics_period").value, MutuallyExclusiveCallbackGroup()
        )
        self._diagnostics.set_not_ready(str(self._refusal))

    @property
    def num_executor_threads(self) -> int:
        """Threads that the executor needs so that waiting requests never keep other callbacks from running."""
        return self.get_parameter("queue_size").value + 1 + NUM_OTHER_CALLBACKS

    def start(self) -> bool:
        """Configures and activates. Returns False if one of the two failed; the reason is logged and answered."""
        success = TransitionCallbackReturn.SUCCESS
        return self.trigger_configure() == success and self.trigger_activate() == success

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Loads the model; fails with the reason in the log, in the diagnostics and in answers to requests."""
        try:
            self._settings = read_settings(self)
            self._planner = self._build_planner(self._settings)
        except FuncGraspError as error:
            self._refuse_requests(type(error)(f"The planner could not be configured: {error}"))
            self.get_logger().error(f"Cannot configure: {error.code_name}: {error}")
            return TransitionCallbackReturn.FAILURE
        self._outputs = PlanOutputs(self, self._settings.num_marker_hands, self._settings.grasp_frames)
        self._refuse_requests(_not_ready("it is not active; send it the transition 'activate'"))
        return TransitionCallbackReturn.SUCCESS

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Listens to the inputs and takes requests."""
        assert self._settings is not None
        self._inputs = ObjectInputs(self, self._settings)
        self._queue = RequestQueue(self._plan, capacity=self._settings.queue_size, name="planning")
        self._diagnostics.set_ready()
        self.get_logger().info("Ready to plan.")
        return super().on_activate(state)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stops listening; waiting requests are answered with CANCELLED, the running one is finished."""
        self._stop("it is not active; send it the transition 'activate'")
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Frees the model and removes the output topics."""
        self._release()
        return TransitionCallbackReturn.SUCCESS

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stops and frees everything."""
        self._stop("it was shut down")
        self._release()
        return TransitionCallbackReturn.SUCCESS

    def destroy_node(self) -> None:
        """Ends the threads and removes the node."""
        self._stop("it was shut down")
        self._publishing.shutdown(cancel_futures=True)
        super().destroy_node()

    def _answer_service(self, request: srv.PlanGrasp.Request, response: srv.PlanGrasp.Response):
        response.plan = self._answer(request.request, is_shown_on_failure=False)
        return response

    def _answer_instruction(self, message: String) -> None:
        self._answer(msg.GraspRequest(instruction=message.data), is_shown_on_failure=True)

    def _answer(self, request: msg.GraspRequest, is_shown_on_failure: bool) -> msg.GraspPlan:
        """The answer to a request, whatever happens."""
        header = request.cloud.header
        try:
            queue, inputs, settings = self._ready_parts()
            core_request = request_from_message(request, settings.num_candidates, settings.max_candidates)
            prepared = inputs.prepare(request)
            header = prepared.header
            plan = queue.submit((prepared, core_request)).result()
            answer = message_from_plan(plan, header)
        except FuncGraspError as error:
            self.get_logger().warning(f"{error.code_name}: {error}")
            answer = message_from_error(error, request.instruction, header)
        except Exception as error:
            # The node must answer, and go on; what happened goes to the log in full.
            self.get_logger().error(f"Planning failed: {error!r}")
            unexpected = FuncGraspError(f"The planner failed with {error!r}; see its log and report the failure.")
            answer = message_from_error(unexpected, request.instruction, header)
        self._diagnostics.count(answer)
        if answer.code == SUCCESS_CODE:
            self._show(lambda outputs: outputs.show_plan(plan, answer))
        elif is_shown_on_failure:
            self._show(lambda outputs: outputs.show_failure(answer))
        return answer

    def _ready_parts(self) -> tuple[RequestQueue[PlanningJob, GraspPlan], ObjectInputs, PlannerSettings]:
        queue, inputs, settings = self._queue, self._inputs, self._settings
        if queue is None or inputs is None or settings is None:
            raise type(self._refusal)(*self._refusal.args)
        return queue, inputs, settings

    def _plan(self, job: PlanningJob) -> GraspPlan:
        prepared, request = job
        assert self._planner is not None
        plan = self._planner.plan(prepared.observation, request)
        return dataclasses.replace(plan, notes=(*prepared.notes, *plan.notes))

    def _show(self, publish: Callable[[PlanOutputs], None]) -> None:
        outputs = self._outputs
        if outputs is not None:
            self._publishing.submit(self._publish_logged, publish, outputs)

    def _publish_logged(self, publish: Callable[[PlanOutputs], None], outputs: PlanOutputs) -> None:
        time.sleep(SHOWING_DELAY_S)
        try:
            publish(outputs)
        except Exception as error:
            self.get_logger().error(f"The plan could not be published: {error!r}")

    def _refuse_requests(self, refusal: FuncGraspError) -> None:
        """Until the node is active, requests are answered with this error."""
        self._refusal = refusal
        self._diagnostics.set_not_ready(str(refusal))

    def _stop(self, reason: str) -> None:
        self._refuse_requests(_not_ready(reason))
        queue, inputs = self._queue, self._inputs
        self._queue = self._inputs = None
        if inputs is not None:
            inputs.close()
        if queue is not None:
            queue.close()

    def _release(self) -> None:
        outputs, self._outputs, self._planner = self._outputs, None, None
        if outputs is not None:
            self._publishing.submit(outputs.close).result()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def _not_ready(reason: str) -> ModelNotReadyError:
    return ModelNotReadyError(f"The planner is not ready: {reason}.")


def main() -> int:
    """Runs the node until it is interrupted."""
    rclpy.init()
    node = GraspPlannerNode()
    executor = MultiThreadedExecutor(num_threads=node.num_executor_threads)
    executor.add_node(node)
    try:
        if node.get_parameter("autostart").value:
            node.start()
        executor.spin()
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        executor.shutdown()
        node.destroy_node()
        rclpy.try_shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
