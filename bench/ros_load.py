"""How fresh the planner's inputs stay, and what they cost it, while a cloud and six cameras stream into it unasked.

    python bench/ros_load.py --json FILE [--minutes N] [--checkpoint FILE]

Two processes are started: sensors, which publish a cloud of 1.2 MB at 30 Hz and six images of 640 x 480 at 15 Hz, best
effort, and the planner node, which is asked nothing. Written are the age of the messages when the node's callbacks get
them, p50 and p95 of the first and of the last minute, the ratio of the p95s, how many messages of each topic were sent
and heard, how many packets the kernel dropped because a socket's receive buffer was full (of all programs on this
machine), and the share of one core that the planner's process takes.
"""

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterable
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

GRACE_S = 1.0
"""After the measurement, for messages that are still on their way."""

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
        self._heard: list[tuple[int, float]] = []
        self._stamps_of_topic: dict[str, list[int]] = {}
        for subscription in node.subscriptions:
            if subscription.msg_type in (PointCloud2, Image):
                self._stamps_of_topic[subscription.topic_name] = []
                subscription.callback = self._noting(subscription.topic_name, subscription.callback)

    def figures(self, start_ns: int, end_ns: int) -> dict[str, Any]:
        """Ages in the first and the last minute of a time, and how often each topic was heard in all of it.

        A message counts where its stamp lies.
        """
        with self._lock:
            heard = list(self._heard)
            num_heard = {topic: num_within(stamps, start_ns, end_ns) for topic, stamps in self._stamps_of_topic.items()}
        window_ns = min(60 * 10**9, (end_ns - start_ns) // 2)
        first = [age_s for stamp, age_s in heard if start_ns <= stamp < start_ns + window_ns]
        last = [age_s for stamp, age_s in heard if end_ns - window_ns <= stamp < end_ns]
        if not first or not last:
            sys.exit("The planner has heard nothing.")
        figures: dict[str, Any] = {"window_s": window_ns * 1e-9, "num_heard": num_heard}
        for name, values in (("first", first), ("last", last)):
            p50, p95 = np.percentile(values, (50, 95))
            figures |= {f"age_{name}_p50_s": float(p50), f"age_{name}_p95_s": float(p95)}
        figures["age_p95_ratio"] = figures["age_last_p95_s"] / figures["age_first_p95_s"]
        return figures

    def _noting(self, topic: str, callback: Any) -> Any:
        def note(message: Any) -> None:
            stamp = stamp_ns(message.header)
            age_s = (self._node.get_clock().now().nanoseconds - stamp) * 1e-9
            with self._lock:
                self._heard.append((stamp, age_s))
                self._stamps_of_topic[topic].append(stamp)
            callback(message)

        return note


def num_within(stamps: Iterable[int], start_ns: int, end_ns: int) -> int:
    """How many stamps lie in a time."""
    return sum(start_ns <= stamp < end_ns for stamp in stamps)


def num_dropped_packets() -> int:
    """UDP packets that the kernel has dropped since it started because a receive buffer was full."""
    names, values = (line.split() for line in Path("/proc/net/snmp").read_text().splitlines() if line[:4] == "Udp:")
    return int(values[names.index("RcvbufErrors")])


def run_sensors() -> None:
    """Publishes until standard input ends, then prints the stamps of what was sent on each topic."""
    rclpy.init()
    node = rclpy.create_node("sensors")
    points = np.random.default_rng(0).uniform(-0.05, 0.05, (NUM_POINTS, 3)).astype(np.float32)
    pixels = np.random.default_rng(0).integers(0, 256, (IMAGE_HEIGHT, IMAGE_WIDTH, 3), dtype=np.uint8)
    cloud, image = cloud_from_points(points, Header(frame_id="table")), image_from_rgb(pixels, Header(frame_id="lens"))

    stamps_of_topic: dict[str, list[int]] = {}

    def publish_every(period_s: float, message: Any, topic: str) -> None:
        publisher = node.create_publisher(type(message), topic, qos_profile_sensor_data)
        stamps = stamps_of_topic[publisher.topic_name] = []

        def publish() -> None:
            message.header.stamp = node.get_clock().now().to_msg()
            publisher.publish(message)
            stamps.append(stamp_ns(message.header))

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
    print(json.dumps(stamps_of_topic), flush=True)
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
    start_ns, busy_before_s = node.get_clock().now().nanoseconds, time.process_time()
    num_dropped_before = num_dropped_packets()
    time.sleep(60.0 * minutes)
    end_ns, busy_after_s = node.get_clock().now().nanoseconds, time.process_time()
    num_dropped = num_dropped_packets() - num_dropped_before
    time.sleep(GRACE_S)
    figures = {"start_ns": start_ns, "end_ns": end_ns, **recorder.figures(start_ns, end_ns)}
    figures["num_dropped_packets"] = num_dropped
    figures["planner_core_share"] = (busy_after_s - busy_before_s) / (end_ns - start_ns) * 1e9
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
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
            with subprocess.Popen([*program, "--role", "sensors"], **pipes) as sensors:
                figures = json.loads(planner.stdout.read())
                stamps_of_topic = json.loads(sensors.communicate()[0])
        finally:
            planner.terminate()
    start_ns, end_ns = figures.pop("start_ns"), figures.pop("end_ns")
    num_sent = {topic: num_within(stamps_of_topic[topic], start_ns, end_ns) for topic in figures["num_heard"]}
    share_heard = sum(figures["num_heard"].values()) / sum(num_sent.values())
    return {**figures, "num_sent": num_sent, "share_heard": share_heard}


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
