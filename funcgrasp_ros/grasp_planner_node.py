"""The planner as a ROS 2 lifecycle node: cloud, images and an instruction in, ranked grasps and a contact map out.

Requests come over the service `plan_grasp` and the topic `instruction`; the answer to either is also shown on the
latched topics `~/grasps`, `~/contact_map`, `~/contact_cloud` and `~/markers`. Planning runs in one worker thread behind
a bounded queue, so that the executor stays free.
"""

import contextlib
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import rclpy
import torch
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup, ReentrantCallbackGroup
from rclpy.executors import ExternalShutdownException, MultiThreadedExecutor
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from std_msgs.msg import String

from funcgrasp_core.assets import COMPACT_CHECKPOINT
from funcgrasp_core.errors import SUCCESS_CODE, FuncGraspError, ModelNotReadyError
from funcgrasp_core.planning.grasp_planner import GraspPlanner
from funcgrasp_ros import msg, qos_profiles, srv
from funcgrasp_ros.clean_ending import end_ros, raise_on_signals
from funcgrasp_ros.conversions.grasp_plans import message_from_error, message_from_plan
from funcgrasp_ros.diagnostics import PlannerDiagnostics
from funcgrasp_ros.live_settings import LiveSettings
from funcgrasp_ros.node_parameters import MAX_QUEUE_SIZE, declare_parameters
from funcgrasp_ros.plan_display import PlanDisplay
from funcgrasp_ros.plan_outputs import PlanOutputs
from funcgrasp_ros.planner_settings import PlannerSettings
from funcgrasp_ros.planning_session import Planner, PlanningSession

NUM_EXECUTOR_THREADS = MAX_QUEUE_SIZE + 1 + 4
"""So that requests that wait for their plans never keep other callbacks from running: inputs, transforms, diagnostics,
and requests to refuse. The executor starts a thread only when all others are at work."""

ENDING_PATIENCE_S = 1.0
"""A node that is destroyed waits so long for the plan that is being made. Nobody awaits it any more, and a process that
was told to end is killed when it takes too long."""

PlannerBuilder = Callable[[PlannerSettings], Planner]


def build_planner(settings: PlannerSettings) -> Planner:
    """The planner that the settings describe; loads the model."""
    if settings.num_threads:
        torch.set_num_threads(settings.num_threads)
    return GraspPlanner.from_checkpoint(
        Path(settings.checkpoint) if settings.checkpoint else None,
        semantic_model=Path(settings.semantic_model) if settings.semantic_model else None,
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
        self._settings = LiveSettings(self, self._take_over)
        self._session: PlanningSession | None = None
        self._last_session: PlanningSession | None = None
        self._outputs: PlanOutputs | None = None
        self._planner: Planner | None = None
        self._display = PlanDisplay(self)
        self._requests_group = ReentrantCallbackGroup()
        self._service = self.create_service(
            srv.PlanGrasp,
            "plan_grasp",
            self._answer_service,
            qos_profile=qos_profiles.PLAN_SERVICE,
            callback_group=self._requests_group,
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

    def start(self) -> bool:
        """Configures and activates. Returns False if one of the two failed; the reason is logged and answered."""
        success = TransitionCallbackReturn.SUCCESS
        return self.trigger_configure() == success and self.trigger_activate() == success

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Loads the model; fails with the reason in the log, in the diagnostics and in answers to requests."""
        try:
            settings = self._settings.load()
            self._planner = self._build_planner(settings)
        except FuncGraspError as error:
            self._settings.release()
            self._refuse_requests(type(error)(f"The planner could not be configured: {error}"))
            self.get_logger().error(f"Cannot configure: {error.code_name}: {error}")
            return TransitionCallbackReturn.FAILURE
        except Exception:
            return self._broken_down("configure")
        self._outputs = PlanOutputs(self, settings.num_marker_hands, settings.grasp_frames)
        self._refuse_requests(_not_ready("it is not active; send it the transition 'activate'"))
        return TransitionCallbackReturn.SUCCESS

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Listens to the inputs and takes requests."""
        settings, planner = self._settings.current, self._planner
        assert settings is not None
        assert planner is not None
        self._wait_for_planner()
        try:
            self._session = self._last_session = PlanningSession(self, planner, settings)
        except Exception:
            return self._broken_down("activate")
        facts = {
            "model": settings.checkpoint or COMPACT_CHECKPOINT,
            "semantic model": settings.semantic_model or "part of the model",
            "device": settings.device,
            "queue size": str(settings.queue_size),
        }
        self._diagnostics.set_ready(facts, self._session.num_unfinished, self._session.input_health)
        self.get_logger().info("Ready to plan.")
        return super().on_activate(state)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stops listening; requests that wait or are planned are answered with CANCELLED at once."""
        self.stop_planning("it is not active; send it the transition 'activate'")
        # tf frames are sent by an ordinary publisher, which a node that is not active must not use.
        self._display.wait()
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Frees the model and removes the output topics."""
        self._refuse_requests(_not_ready("it is not configured; send it the transition 'configure'"))
        self._release()
        return TransitionCallbackReturn.SUCCESS

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stops and frees everything."""
        self.stop_planning("it was shut down")
        self._release()
        return TransitionCallbackReturn.SUCCESS

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """After a transition that broke down: stops and frees everything, so that the node can be configured anew."""
        self.stop_planning("it broke down; see its log, then send it the transition 'configure'")
        self._release()
        return TransitionCallbackReturn.SUCCESS

    def _broken_down(self, transition: str) -> TransitionCallbackReturn:
        """Logs the exception that is being handled, which rclpy drops; `on_error` comes next."""
        self.get_logger().error(f"Cannot {transition}:\n{traceback.format_exc()}")
        return TransitionCallbackReturn.ERROR

    def stop_planning(self, reason: str) -> None:
        """Refuses requests from now on, for this reason; those under way are answered with CANCELLED at once."""
        self._refuse_requests(_not_ready(reason))
        session, self._session = self._session, None
        if session is not None:
            session.cancel()

    def num_unfinished_requests(self) -> int:
        """Requests that wait or are planned."""
        return 0 if self._session is None else self._session.num_unfinished()

    def destroy_node(self) -> None:
        """Ends the threads and removes the node."""
        self.stop_planning("it was shut down")
        self._wait_for_planner(ENDING_PATIENCE_S)
        self._display.close()
        super().destroy_node()

    def _answer_service(self, request: srv.PlanGrasp.Request, response: srv.PlanGrasp.Response):
        response.plan = self._answer(request.request, is_only_shown=False)
        return response

    def _answer_instruction(self, message: String) -> None:
        self._answer(msg.GraspRequest(instruction=message.data), is_only_shown=True)

    def _answer(self, request: msg.GraspRequest, is_only_shown: bool) -> msg.GraspPlan:
        """The answer to a request, whatever happens; with `is_only_shown` the topics are the only way to tell it."""
        header = request.cloud.header
        start_s = time.monotonic()
        try:
            session, settings = self._session, self._settings.current
            if session is None or settings is None:
                raise type(self._refusal)(*self._refusal.args)
            plan, header = session.plan(request, settings)
            answer = message_from_plan(plan, header)
        except FuncGraspError as error:
            self.get_logger().warning(f"{error.code_name}: {error}")
            answer = message_from_error(error, request.instruction, header)
        except Exception as error:
            # The node must answer, and go on; what happened goes to the log in full.
            self.get_logger().error(f"Planning failed: {error!r}")
            unexpected = FuncGraspError(f"The planner failed with {error!r}; see its log and report the failure.")
            answer = message_from_error(unexpected, request.instruction, header)
        self._diagnostics.count(answer, time.monotonic() - start_s)
        if answer.code == SUCCESS_CODE:
            self._show(lambda outputs: outputs.show_plan(plan, answer), is_only_shown)
        elif is_only_shown:
            self._show(lambda outputs: outputs.show_failure(answer), is_only_shown)
        return answer

    def _show(self, publish: Callable[[PlanOutputs], None], is_only_shown: bool) -> None:
        outputs = self._outputs
        if outputs is not None:
            self._display.show(lambda: publish(outputs), is_only_shown)

    def _refuse_requests(self, refusal: FuncGraspError) -> None:
        """Until the node is active, requests are answered with this error."""
        self._refusal = refusal
        self._diagnostics.set_not_ready(str(refusal))

    def _take_over(self, settings: PlannerSettings) -> None:
        """Parameters have changed; requests read their settings themselves."""
        if self._outputs is not None:
            self._outputs.num_marker_hands = settings.num_marker_hands
            self._outputs.num_grasp_frames = settings.grasp_frames

    def _wait_for_planner(self, timeout_s: float | None = None) -> None:
        """Until the planner is done with what it was doing when the last session was cancelled, or time is over."""
        if self._last_session is not None:
            self._last_session.wait_until_idle(timeout_s)
            self._last_session = None

    def _release(self) -> None:
        self._wait_for_planner()
        self._settings.release()
        outputs, self._outputs, self._planner = self._outputs, None, None
        if outputs is not None:
            self._display.wait()
            outputs.close()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def _not_ready(reason: str) -> ModelNotReadyError:
    return ModelNotReadyError(f"The planner is not ready: {reason}.")


def main() -> int:
    """Runs the node until it is interrupted."""
    rclpy.init()
    raise_on_signals()
    with contextlib.ExitStack() as ending:
        ending.callback(end_ros)
        try:
            node = GraspPlannerNode()
            ending.callback(node.destroy_node)
            executor = MultiThreadedExecutor(num_threads=NUM_EXECUTOR_THREADS)
            ending.callback(executor.shutdown)
            ending.callback(node.stop_planning, "it was shut down")
            executor.add_node(node)
            if node.get_parameter("autostart").value:
                node.start()
            executor.spin()
        except (KeyboardInterrupt, ExternalShutdownException):
            pass
        except Exception:
            # A signal may end ROS under a node that is still starting; what fails then is of no interest.
            if rclpy.ok():
                raise
    return 0


if __name__ == "__main__":
    sys.exit(main())
