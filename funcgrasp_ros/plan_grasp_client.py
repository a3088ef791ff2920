"""Asks the planner for grasps from the command line and prints the ranked table.

ros2 run funcgrasp_ros plan_grasp "hand me the mug"
"""

import argparse
import sys
import time
from collections.abc import Callable

import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.utilities import remove_ros_args

from funcgrasp_core.errors import SUCCESS_CODE
from funcgrasp_ros import msg, qos_profiles, srv
from funcgrasp_ros.clean_ending import end_ros
from funcgrasp_ros.plan_table import plan_table, refusal_text

EXIT_REFUSED, EXIT_NO_ANSWER = 1, 3


class PlanGraspClient:
    """Calls `plan_grasp` and waits for the answer; spins the node meanwhile.

    Args:
        node: that no executor spins.
        service_name: relative or absolute.
    """

    def __init__(self, node: Node, service_name: str = "plan_grasp"):
        self._node = node
        self._client = node.create_client(srv.PlanGrasp, service_name, qos_profile=qos_profiles.PLAN_SERVICE)

    def wait_for_planner(self, timeout_s: float) -> bool:
        """Whether a planner offers the service within the time."""
        return self._client.wait_for_service(timeout_sec=timeout_s)

    def plan(self, request: msg.GraspRequest, timeout_s: float) -> msg.GraspPlan:
        """The planner's answer, a refusal included.

        Raises:
            TimeoutError: no answer in time.
            ExternalShutdownException: ROS was shut down meanwhile.
        """
        future = self._client.call_async(srv.PlanGrasp.Request(request=request))
        # Not spin_until_future_complete: in Jazzy each call of it leaves tasks behind that slow down the next.
        deadline_s = time.monotonic() + timeout_s
        while not future.done():
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                self._client.remove_pending_request(future)
                raise TimeoutError(f"The planner has not answered within {timeout_s:g} s; look at its log.")
            if not self._node.context.ok():
                raise ExternalShutdownException
            rclpy.spin_once(self._node, timeout_sec=left_s)
        return future.result().plan


def _whole_number(limit: int) -> Callable[[str], int]:
    """Reads a number from 0 to below `limit`."""

    def read(text: str) -> int:
        if not text.isdecimal() or int(text) >= limit:
            raise argparse.ArgumentTypeError(f"'{text}' is no whole number from 0 to {limit - 1}")
        return int(text)

    return read


def main() -> int:
    """Plans once. Exit code 0: a table was printed; 1: refused; 3: no planner or no answer."""
    parser = argparse.ArgumentParser(prog="plan_grasp", description="Asks the running planner for grasps.")
    parser.add_argument("instruction", help='what to do with the object, such as "hand me the mug"')
    parser.add_argument(
        "--num-candidates", type=_whole_number(2**16), default=0, help="how many grasps; 0: the node's own number"
    )
    parser.add_argument("--seed", type=_whole_number(2**32), default=0, help="of every random choice")
    parser.add_argument("--timeout", type=float, default=30.0, help="seconds to wait for the planner and its answer")
    arguments = parser.parse_args(remove_ros_args(sys.argv)[1:])
    rclpy.init(args=sys.argv)
    try:
        client = PlanGraspClient(rclpy.create_node("plan_grasp_client"))
        if not client.wait_for_planner(arguments.timeout):
            print("No planner offers the service 'plan_grasp'; start one: launch/planner.launch.py.", file=sys.stderr)
            return EXIT_NO_ANSWER
        request = msg.GraspRequest(
            instruction=arguments.instruction, num_candidates=arguments.num_candidates, seed=arguments.seed
        )
        plan = client.plan(request, arguments.timeout)
    except TimeoutError as error:
        print(error, file=sys.stderr)
        return EXIT_NO_ANSWER
    except (KeyboardInterrupt, ExternalShutdownException):
        return EXIT_NO_ANSWER
    finally:
        end_ros()
    if plan.code != SUCCESS_CODE:
        print(refusal_text(plan), file=sys.stderr)
        return EXIT_REFUSED
    print(plan_table(plan))
    return 0


if __name__ == "__main__":
    sys.exit(main())
