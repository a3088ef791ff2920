"""The planner as a user starts it: launch file, own process, own interpreter."""

import contextlib
import importlib.util
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import rclpy
import torch
from node_bench import object_points
from std_msgs.msg import Header

from funcgrasp_core.checkpoints import save_checkpoint
from funcgrasp_core.grasp_model.grasp_model import build_grasp_model
from funcgrasp_core.grasp_model.named_configs import DEBUG
from funcgrasp_ros import msg
from funcgrasp_ros.conversions.clouds import cloud_from_points
from funcgrasp_ros.plan_grasp_client import PlanGraspClient

pytestmark = pytest.mark.ros

ROOT = Path(__file__).resolve().parents[2]
START_PATIENCE_S = 240.0
TOPICS = {
    "/left/object_cloud": ["sensor_msgs/msg/PointCloud2"],
    "/left/camera_5/image": ["sensor_msgs/msg/Image"],
    "/left/camera_5/camera_info": ["sensor_msgs/msg/CameraInfo"],
    "/left/instruction": ["std_msgs/msg/String"],
    "/left/grasp_planner/grasps": ["funcgrasp_ros/msg/GraspPlan"],
    "/left/grasp_planner/contact_map": ["funcgrasp_ros/msg/ContactMap"],
    "/left/grasp_planner/contact_cloud": ["sensor_msgs/msg/PointCloud2"],
    "/left/grasp_planner/markers": ["visualization_msgs/msg/MarkerArray"],
    "/diagnostics": ["diagnostic_msgs/msg/DiagnosticArray"],
}
DISCOVERY_PATIENCE_S = 20.0


@contextlib.contextmanager
def launched(*arguments: str):
    """The launch as a process; its output and exit code are read after the block."""
    command = [sys.executable, "-m", "embedded_ros", "launch"]
    if importlib.util.find_spec("ros2launch"):
        command = ["ros2", "launch"]
    process = subprocess.Popen(
        [*command, str(ROOT / "launch" / "planner.launch.py"), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.fixture
def client_node():
    rclpy.init()
    node = rclpy.create_node("test_client")
    yield node
    node.destroy_node()
    rclpy.try_shutdown()


@pytest.fixture(scope="module")
def random_checkpoint(tmp_path_factory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("checkpoint") / "debug.safetensors"
    save_checkpoint(path, build_grasp_model(DEBUG), {"training": "none: random weights"})
    return path


def wait_for_topics(node, expected: dict[str, list[str]]) -> None:
    """Returns once discovery knows the topics with these types."""
    deadline_s = time.monotonic() + DISCOVERY_PATIENCE_S
    while True:
        found = dict(node.get_topic_names_and_types())
        if expected.items() <= found.items():
            return
        assert time.monotonic() < deadline_s, f"missing: {sorted(expected.keys() - found.keys())}"
        time.sleep(0.1)


def test_launch_serves_one_call_and_ends_cleanly(client_node, random_checkpoint):
    with launched(f"checkpoint:={random_checkpoint}", "namespace:=left") as process:
        client = PlanGraspClient(client_node, "/left/plan_grasp")
        assert client.wait_for_planner(START_PATIENCE_S), "the planner did not come up"
        cloud = cloud_from_points(object_points(600), Header(frame_id="table"))
        answer = client.plan(msg.GraspRequest(instruction="hold it", cloud=cloud, num_candidates=2), START_PATIENCE_S)
        # Random weights may put every hand beside the object; the whole way through the model was gone either way.
        assert answer.code in (msg.GraspPlan.SUCCESS, msg.GraspPlan.NO_FEASIBLE_GRASP), answer.message
        wait_for_topics(client_node, TOPICS)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=30)
        assert process.returncode == 0, output
        assert "Traceback" not in output
        assert "finished cleanly" in output


def test_launch_arguments_reach_the_node(client_node, tmp_path):
    missing = tmp_path / "none.safetensors"
    with launched(f"checkpoint:={missing}"):
        client = PlanGraspClient(client_node)
        assert client.wait_for_planner(START_PATIENCE_S), "the planner did not come up"
        answer = client.plan(msg.GraspRequest(instruction="hold it"), START_PATIENCE_S)
        assert answer.code == msg.GraspPlan.CHECKPOINT_MISSING
        assert str(missing) in answer.message


def test_the_client_says_what_to_do_when_there_is_no_planner():
    run = subprocess.run(
        [sys.executable, ROOT / "scripts" / "plan_grasp", "hold it", "--timeout", "0.2"],
        capture_output=True,
        text=True,
        env={**os.environ, "ROS_DOMAIN_ID": "101"},
        timeout=60,
    )
    assert run.returncode == 3
    assert "planner.launch.py" in run.stderr


@pytest.mark.parametrize("wrong", [("--num-candidates", "70000"), ("--seed", "-1"), ("--seed", "many")])
def test_the_client_refuses_numbers_that_the_message_cannot_hold(wrong):
    run = subprocess.run(
        [sys.executable, ROOT / "scripts" / "plan_grasp", "hold it", *wrong],
        capture_output=True,
        text=True,
        env=os.environ,
        timeout=60,
    )
    assert run.returncode == 2
    assert "whole number" in run.stderr or "expected one argument" in run.stderr
    assert "Traceback" not in run.stderr
