"""Asks the planner for grasps from the command line and prints the ranked table.

    ros2 run funcgrasp_ros plan_grasp "hand me the mug"
"""

import argparse
import sys

import rclpy
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.utilities import remove_ros_args

from funcgrasp_core.errors import SUCCESS_CODE, error_codes
from funcgrasp_ros import msg, srv

EXIT_REFUSED, EXIT_NO_ANSWER = 1, 3


class PlanGraspClient:
    """Calls `plan_grasp` and waits for the answer; spins the node meanwhile.

    Args:
        node: that no executor spins.
        service_name: relative or absolute.
    """

    def __init__(self, node: Node, service_name: str = "plan_grasp"):
        self._node = node
        self._client = node.create_client(srv.PlanGrasp, service_name)

    def wait_for_planner(self, timeout_s: float) -> bool:
        """Whether a planner offers the service within the time."""
        return self._client.wait_for_service(timeout_sec=timeout_s)

    def plan(self, request: msg.GraspRequest, timeout_s: float) -> msg.GraspPlan:
        """The planner's answer, a refusal included.

        Raises:
            TimeoutError: no answer in time.
        """
        future = self._client.call_async(srv.PlanGrasp.Request(request=request))
        rclpy.spin_until_future_complete(self._node, future, timeout_sec=timeout_s)
        if not future.done():
            self._client.remove_pending_request(future)
            raise TimeoutError(f"The planner has not answered within {timeout_s:g} s; look at its log.")
        return future.result().plan


def plan_table(plan: msg.GraspPlan) -> str:
    """A successful answer as a table: rank, score and its terms, wrist position in millimetres."""
    terms = list(plan.grasps[0].score_term_names)
    heading = ["rank", "score", *terms, "wrist x, y, z [mm]"]
    rows = [heading]
    for rank, grasp in enumerate(plan.grasps, start=1):
        position = grasp.wrist_pose.position
        wrist = ", ".join(f"{1000 * value:.0f}" for value in (position.x, position.y, position.z))
        rows.append([str(rank), f"{grasp.score:.3f}", *(f"{value:.3f}" for value in grasp.score_term_values), wrist])
    widths = [max(len(row[column]) for row in rows) for column in range(len(heading))]
    lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)) for row in rows]
    stages = ", ".join(
        f"{name} {seconds:.3f} s" for name, seconds in zip(plan.timing_names, plan.timing_seconds, strict=True)
    )
    return "\n".join([f'"{plan.instruction}" in frame {plan.header.frame_id}', *lines, f"time: {stages}", *plan.notes])


def refusal_text(plan: msg.GraspPlan) -> str:
    """A refusal as one line: the code's name, its number and the sentence."""
    names = {number: name for name, number in error_codes().items()}
    return f"{names.get(plan.code, 'UNKNOWN')} ({plan.code}): {plan.message}"


def main() -> int:
    """Plans once. Exit code 0: a table was printed; 1: refused; 3: no planner or no answer."""
    parser = argparse.ArgumentParser(prog="plan_grasp", description="Asks the running planner for grasps.")
    parser.add_argument("instruction", help='what to do with the object, such as "hand me the mug"')
    parser.add_argument("--num-candidates", type=int, default=0, help="how many grasps; 0: the node's own number")
    parser.add_argument("--seed", type=int, default=0, help="of every random choice")
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
        rclpy.try_shutdown()
    if plan.code != SUCCESS_CODE:
        print(refusal_text(plan), file=sys.stderr)
        return EXIT_REFUSED
    print(plan_table(plan))
    return 0


if __name__ == "__main__":
    sys.exit(main())
