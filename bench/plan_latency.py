"""How long `/plan_grasp` takes, over DDS between two processes, and how long the planner takes to start.

    python bench/plan_latency.py --json FILE [--calls N] [--candidates K] [--checkpoint FILE]

Starts launch/planner.launch.py and the player of the recorded scene, calls the service again and again, and writes
`p50_s` and `p95_s` (wall time of a call), `ros_p50_s` (the same less the planner's own time, which the answer carries)
and `start_to_ready_s` (from the start of the launch to the first plan).
"""

import argparse
import json
import os
import statistics
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from demo.child_processes import ChildProcess
from demo.ros_runtime import ROOT, add_ros_to_path, choose_domain, launch_command

add_ros_to_path()

# These need what the line above has done.
import rclpy  # noqa: E402

from funcgrasp_core.errors import SUCCESS_CODE  # noqa: E402
from funcgrasp_ros import msg  # noqa: E402
from funcgrasp_ros.conversions.grasp_plans import timings_from_message  # noqa: E402
from funcgrasp_ros.plan_grasp_client import PlanGraspClient  # noqa: E402
from funcgrasp_ros.plan_table import refusal_text  # noqa: E402

INSTRUCTIONS = ("drink from the mug", "hold the mug", "hand me the mug", "lift up the mug")
PATIENCE_S = 60.0


def wait_until_planned(client: PlanGraspClient, num_candidates: int) -> None:
    """Returns with the first plan; ends the program if there will be none."""
    deadline_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline_s:
        answer = client.plan(msg.GraspRequest(instruction=INSTRUCTIONS[0], num_candidates=num_candidates), PATIENCE_S)
        if answer.code == SUCCESS_CODE:
            return
        if answer.code != msg.GraspPlan.NO_CLOUD:
            sys.exit(refusal_text(answer))
        time.sleep(0.05)
    sys.exit("No cloud has reached the planner.")


def measure_calls(client: PlanGraspClient, num_calls: int, num_candidates: int) -> tuple[list[float], list[float]]:
    """Wall seconds of each call, and what of them the planner did not spend itself."""
    walls_s, ros_s = [], []
    for index in range(num_calls):
        request = msg.GraspRequest(
            instruction=INSTRUCTIONS[index % len(INSTRUCTIONS)], num_candidates=num_candidates, seed=index
        )
        start_s = time.perf_counter()
        answer = client.plan(request, PATIENCE_S)
        walls_s.append(time.perf_counter() - start_s)
        if answer.code != SUCCESS_CODE:
            sys.exit(refusal_text(answer))
        ros_s.append(walls_s[-1] - timings_from_message(answer)["total"])
    return walls_s, ros_s


def main() -> None:
    """Measures, prints and writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, required=True, help="file for the figures")
    parser.add_argument("--calls", type=int, default=40, help="measured calls")
    parser.add_argument("--candidates", type=int, default=16, help="grasps of a call")
    parser.add_argument("--checkpoint", default="", help="model file; empty: the one of the package")
    arguments = parser.parse_args()
    choose_domain()
    rclpy.init()
    client = PlanGraspClient(rclpy.create_node("plan_latency"))
    launch = [*launch_command(ROOT / "launch" / "planner.launch.py"), "log_level:=warn"]
    if arguments.checkpoint:
        launch.append(f"checkpoint:={arguments.checkpoint}")
    with ChildProcess([sys.executable, str(ROOT / "scripts" / "scene_player")]):
        start_s = time.perf_counter()
        with ChildProcess(launch):
            if not client.wait_for_planner(PATIENCE_S):
                sys.exit(f"The planner has not come up within {PATIENCE_S:g} s.")
            wait_until_planned(client, arguments.candidates)
            start_to_ready_s = time.perf_counter() - start_s
            walls_s, ros_s = measure_calls(client, arguments.calls, arguments.candidates)
    rclpy.try_shutdown()
    figures = {
        "p50_s": statistics.median(walls_s),
        "p95_s": float(np.percentile(walls_s, 95)),
        "ros_p50_s": statistics.median(ros_s),
        "start_to_ready_s": start_to_ready_s,
        "num_calls": arguments.calls,
        "num_candidates": arguments.candidates,
        "num_cpus": os.cpu_count(),
    }
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
