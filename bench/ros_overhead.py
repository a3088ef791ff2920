"""What ROS adds to a plan whose cloud comes with the request, and how fast a wrong request is refused.

    python bench/ros_overhead.py --json FILE [--calls N] [--rejections N] [--candidates K] [--checkpoint FILE]

Starts launch/planner.launch.py and calls `/plan_grasp` over DDS from this process with a cloud of 1.2 MB. Writes
`overhead_p50_s` and `overhead_p95_s` (wall time of a call less the planner's own time, which the answer carries), then
`rejection_p50_s` and `rejection_p99_s` (wall time of calls with broken requests, of those that are refused).
`transform_timeout` is 0: a frame that nobody knows is otherwise waited for.
"""

import argparse
import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from demo.child_processes import ChildProcess
from demo.ros_runtime import ROOT, add_ros_to_path, choose_domain, launch_command

add_ros_to_path()

# These need what the line above has done.
import rclpy  # noqa: E402
from sensor_msgs.msg import PointCloud2  # noqa: E402
from std_msgs.msg import Header  # noqa: E402

from bench.fuzzed_messages import MessageFuzzer  # noqa: E402
from bench.side_by_side import machine_facts  # noqa: E402
from bench.valid_messages import valid_points  # noqa: E402
from funcgrasp_core.errors import SUCCESS_CODE  # noqa: E402
from funcgrasp_ros import msg  # noqa: E402
from funcgrasp_ros.conversions.clouds import cloud_from_points  # noqa: E402
from funcgrasp_ros.conversions.grasp_plans import timings_from_message  # noqa: E402
from funcgrasp_ros.plan_grasp_client import PlanGraspClient  # noqa: E402
from funcgrasp_ros.plan_table import refusal_text  # noqa: E402

NUM_POINTS = 100_000
"""Of 12 bytes each: 1.2 MB."""

WARM_UP_CALLS = 3
PATIENCE_S = 120.0
PARAMETERS = "/**:\n  ros__parameters:\n    transform_timeout: 0.0\n"
EGG_PROPORTIONS = (1.0, 0.7, 1.6)


def large_cloud() -> PointCloud2:
    """An egg of 13 cm, densely sampled."""
    points = np.resize(valid_points(), (NUM_POINTS, 3)) * np.array(EGG_PROPORTIONS, dtype=np.float32)
    noise = np.random.default_rng(1).normal(0, 1e-3, points.shape)
    return cloud_from_points((points + noise).astype(np.float32), Header(frame_id="table"))


@contextlib.contextmanager
def running_planner(checkpoint: str) -> Iterator[PlanGraspClient]:
    """A client of a planner in processes of its own."""
    choose_domain()
    with tempfile.TemporaryDirectory() as folder:
        parameters = Path(folder) / "parameters.yaml"
        parameters.write_text(PARAMETERS, encoding="utf-8")
        launch = launch_command(ROOT / "launch" / "planner.launch.py")
        arguments = [
            f"params_file:={parameters}",
            "log_level:=error",
            *([f"checkpoint:={checkpoint}"] * bool(checkpoint)),
        ]
        rclpy.init()
        client = PlanGraspClient(rclpy.create_node("ros_overhead"))
        with ChildProcess([*launch, *arguments]):
            if not client.wait_for_planner(PATIENCE_S):
                sys.exit(f"The planner has not come up within {PATIENCE_S:g} s.")
            wait_until_ready(client)
            yield client
        rclpy.try_shutdown()


def wait_until_ready(client: PlanGraspClient) -> None:
    """Returns when the model is loaded; ends the program if it cannot be."""
    deadline_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline_s:
        answer = client.plan(msg.GraspRequest(instruction="hold it"), PATIENCE_S)
        if answer.code == msg.GraspPlan.NO_CLOUD:
            return
        if answer.code != msg.GraspPlan.MODEL_NOT_READY:
            sys.exit(refusal_text(answer))
        time.sleep(0.05)
    sys.exit("The planner does not become ready.")


def timed_call(client: PlanGraspClient, request: msg.GraspRequest) -> tuple[msg.GraspPlan, float]:
    """The answer, and the wall seconds until it was there. Freeing the answer before this one is not among them."""
    start_s = time.perf_counter()
    answer = client.plan(request, PATIENCE_S)
    return answer, time.perf_counter() - start_s


def measure_overhead(client: PlanGraspClient, num_calls: int, num_candidates: int) -> list[float]:
    """Seconds of each call that the planner did not spend itself."""
    cloud = large_cloud()
    overheads_s = []
    for index in range(WARM_UP_CALLS + num_calls):
        request = msg.GraspRequest(instruction="hold it", cloud=cloud, num_candidates=num_candidates, seed=index)
        answer, wall_s = timed_call(client, request)
        # A model may find no grasp for an egg; only an answer with a plan tells how long planning took.
        if answer.code != SUCCESS_CODE:
            sys.exit(refusal_text(answer))
        overheads_s.append(wall_s - timings_from_message(answer)["total"])
    return overheads_s[WARM_UP_CALLS:]


def measure_rejections(client: PlanGraspClient, num_rejections: int) -> list[float]:
    """Wall seconds of calls that are refused before anything is planned."""
    fuzzer = MessageFuzzer(seed=0, valid_share=0.0)
    walls_s = []
    while len(walls_s) < num_rejections:
        request = fuzzer.request()
        answer, wall_s = timed_call(client, request)
        if answer.code not in (SUCCESS_CODE, msg.GraspPlan.NO_FEASIBLE_GRASP):
            walls_s.append(wall_s)
    return walls_s


def percentiles(name: str, seconds: Sequence[float], levels: Sequence[int]) -> dict[str, float]:
    """Figures named `<name>_p<level>_s`."""
    return {f"{name}_p{level}_s": float(np.percentile(seconds, level)) for level in levels}


def main() -> None:
    """Measures, prints and writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, required=True, help="file for the figures")
    parser.add_argument("--calls", type=int, default=40, help="measured calls with a plan")
    parser.add_argument("--rejections", type=int, default=1000, help="measured calls that are refused")
    parser.add_argument("--candidates", type=int, default=16, help="grasps of a plan")
    parser.add_argument("--checkpoint", default="", help="model file; empty: the one of the package")
    arguments = parser.parse_args()
    with running_planner(arguments.checkpoint) as client:
        overheads_s = measure_overhead(client, arguments.calls, arguments.candidates)
        rejections_s = measure_rejections(client, arguments.rejections)
    figures = {
        **percentiles("overhead", overheads_s, (50, 95)),
        **percentiles("rejection", rejections_s, (50, 99)),
        "num_calls": len(overheads_s),
        "num_rejections": len(rejections_s),
        "num_candidates": arguments.candidates,
        "cloud_bytes": len(large_cloud().data),
        "num_cpus": os.cpu_count(),
        "machine": machine_facts(),
    }
    arguments.json.parent.mkdir(parents=True, exist_ok=True)
    arguments.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
