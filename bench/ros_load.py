"""How fresh the planner's inputs stay, and what they cost it, while a cloud and six cameras stream into it unasked.

    python bench/ros_load.py --json FILE [--minutes N] [--checkpoint FILE]

Two processes are started: sensors, which publish a cloud of 1.2 MB at 30 Hz and six images of 640 x 480 at 15 Hz, best
effort, and the planner node, which is asked nothing. Written are the age of the messages when the node's callbacks get
them, p50 and p95 of the first and of the last minute, the ratio of the p95s, how many messages of each topic came, and
the share of one core that the planner's process takes.
"""

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from demo.ros_runtime import add_ros_to_path, choose_domain

add_ros_to_path()

# These need what the line above has done.
import rclpy  # noqa: E402
from rclpy.executors import MultiThreadedExecutor, SingleThreadedExecutor  # noqa: E402
from rclpy.parameter import Parameter  # noqa: E402
from rclpy.qos import qos_profile_sensor_data  # noqa: E402
from sensor_msgs.msg import Image, PointCloud2  # noqa: E402
from std_msgs.msg import Header  # noqa: E402

from bench.side_by_side import machine_facts  # noqa: E402
from funcgrasp_ros.conversions.clouds import cloud_from_points  # noqa: E402
from funcgrasp_ros.conversions.images import image_from_rgb  # noqa: E402
from funcgrasp_ros.latest_message import stamp_ns  # noqa: E402

NUM_POINTS, CLOUD_HZ = 100_000, 30.0
IMAGE_WIDTH, IMAGE_HEIGHT, IMAGE_HZ, NUM_CAMERAS = 640, 480, 15.0, 6
SETTLING_S = 5.0
"""Before the measurement, for discovery and the first allocations."""

PATIENCE_S = 120.0
READY = "ready"


class AgeRecorder:
    """Notes how old messages are when a node's callbacks get them.

    Args:
        node: whose subscriptions to clouds and images are watched.
    """

    def __init__(self, node: Any):
        self._node = node
        self._lock = threading.Lock()
        self._ages: list[tuple[float, float]] = []
        self._counts: dict[str, int] = {}
        for subscription in node.subscriptions:
            if subscription.msg_type in (PointCloud2, Image):
                self._counts[subscription.topic_name] = 0
                subscription.callback = self._noting(subscription.topic_name, subscription.callback)

    def figures(self, start_s: float, end_s: float) -> dict[str, Any]:
        """Ages in the first and the last minute of a time, and how often each topic was heard in all of it."""
        with self._lock:
            ages, counts = list(self._ages), dict(self._counts)
        window_s = min(60.0, (end_s - start_s) / 2)
        first = [age for when, age in ages if start_s <= when < start_s + window_s]
        last = [age for when, age in ages if end_s - window_s <= when < end_s]
        if not first or not last:
            sys.exit("The planner has heard nothing.")
        figures: dict[str, Any] = {"window_s": window_s, "num_messages": counts}
        for name, values in (("first", first), ("last", last)):
            p50, p95 = np.percentile(values, (50, 95))
            figures |= {f"age_{name}_p50_s": float(p50), f"age_{name}_p95_s": float(p95)}
        figures["age_p95_ratio"] = figures["age_last_p95_s"] / figures["age_first_p95_s"]
        return figures

    def _noting(self, topic: str, callback: Any) -> Any:
        def note(message: Any) -> None:
            age_s = (self._node.get_clock().now().nanoseconds - stamp_ns(message.header)) * 1e-9
            with self._lock:
                self._ages.append((time.monotonic(), age_s))
                self._counts[topic] += 1
            callback(message)

        return note


def run_sensors() -> None:
    """Publishes until standard input ends."""
    rclpy.init()
    node = rclpy.create_node("sensors")
    points = np.random.default_rng(0).uniform(-0.05, 0.05, (NUM_POINTS, 3)).astype(np.float32)
    pixels = np.random.default_rng(0).integers(0, 256, (IMAGE_HEIGHT, IMAGE_WIDTH, 3), dtype=np.uint8)
    cloud, image = cloud_from_points(points, Header(frame_id="table")), image_from_rgb(pixels, Header(frame_id="lens"))

    def publish_every(period_s: float, message: Any, topic: str) -> None:
        publisher = node.create_publisher(type(message), topic, qos_profile_sensor_data)

        def publish() -> None:
            message.header.stamp = node.get_clock().now().to_msg()
            publisher.publish(message)

        node.create_timer(period_s, publish)

    publish_every(1 / CLOUD_HZ, cloud, "object_cloud")
    for index in range(NUM_CAMERAS):
        publish_every(1 / IMAGE_HZ, image, f"camera_{index}/image")
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    spinning = threading.Thread(target=executor.spin, daemon=True)
    spinning.start()
    sys.stdin.read()
    executor.shutdown()
    spinning.join(PATIENCE_S)
    rclpy.try_shutdown()


def run_planner(minutes: float, checkpoint: str) -> None:
    """Runs the node, waits until the sensors are heard, and prints the figures."""
    # Imports PyTorch, which the sensors do without.
    from funcgrasp_ros.grasp_planner_node import NUM_EXECUTOR_THREADS, GraspPlannerNode

    rclpy.init()
    node = GraspPlannerNode(parameter_overrides=[Parameter("checkpoint", value=checkpoint)])
    if not node.start():
        sys.exit("The planner cannot be started; see its log.")
    recorder = AgeRecorder(node)
    executor = MultiThreadedExecutor(num_threads=NUM_EXECUTOR_THREADS)
    executor.add_node(node)
    spinning = threading.Thread(target=executor.spin, daemon=True)
    spinning.start()
    print(READY, flush=True)
    time.sleep(SETTLING_S)
    # Of all threads of this process, those of DDS too.
    start_s, busy_before_s = time.monotonic(), time.process_time()
    time.sleep(60.0 * minutes)
    end_s, busy_after_s = time.monotonic(), time.process_time()
    figures = recorder.figures(start_s, end_s)
    figures["planner_core_share"] = (busy_after_s - busy_before_s) / (end_s - start_s)
    print(json.dumps(figures), flush=True)
    executor.shutdown()
    spinning.join(PATIENCE_S)
    node.destroy_node()
    rclpy.try_shutdown()


def measure(minutes: float, checkpoint: str) -> dict[str, Any]:
    """Starts both processes and returns the planner's figures."""
    choose_domain()
    program = [sys.executable, str(Path(__file__).resolve())]
    role = ["--role", "planner", "--minutes", str(minutes), "--checkpoint", checkpoint]
    with subprocess.Popen([*program, *role], stdout=subprocess.PIPE, text=True) as planner:
        assert planner.stdout is not None
        try:
            if planner.stdout.readline().strip() != READY:
                sys.exit("The planner has not started.")
            with subprocess.Popen([*program, "--role", "sensors"], stdin=subprocess.PIPE) as sensors:
                output = planner.stdout.read()
                assert sensors.stdin is not None
                sensors.stdin.close()
        finally:
            planner.terminate()
    return json.loads(output)


def main() -> None:
    """Measures, prints and writes the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="file for the figures")
    parser.add_argument("--minutes", type=float, default=5.0, help="how long to measure")
    parser.add_argument("--checkpoint", default="", help="model file; empty: the one of the package")
    parser.add_argument("--role", choices=("sensors", "planner"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.role == "sensors":
        run_sensors()
    elif arguments.role == "planner":
        run_planner(arguments.minutes, arguments.checkpoint)
    else:
        figures = {**measure(arguments.minutes, arguments.checkpoint), "minutes": arguments.minutes}
        figures |= {"num_cpus": os.cpu_count(), "machine": machine_facts()}
        if arguments.json is not None:
            arguments.json.parent.mkdir(parents=True, exist_ok=True)
            arguments.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
        print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
