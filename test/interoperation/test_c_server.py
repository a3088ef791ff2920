"""A C program on Debian's Cyclone DDS answers /plan_grasp in the planner's place."""

import os
import subprocess
import sys

import numpy as np
import pytest
import rclpy
from geometry_msgs.msg import Point, Vector3
from json_printers import message_values
from sample_inputs import CLOUD_FRAME, sample_pixels, sample_points
from sensor_msgs.msg import CameraInfo, RegionOfInterest
from std_msgs.msg import Header
from waiting import PATIENCE_S

from demo.ros_runtime import ROOT
from funcgrasp_ros import msg
from funcgrasp_ros.conversions.clouds import cloud_from_points
from funcgrasp_ros.conversions.images import image_from_rgb
from funcgrasp_ros.plan_grasp_client import PlanGraspClient

pytestmark = pytest.mark.ros


def full_request(num_candidates: int) -> msg.GraspRequest:
    """A request with a cloud of 1.2 MB and something in every field, reserved ones included."""
    camera_info = CameraInfo(
        header=Header(frame_id="lens"),
        height=48,
        width=64,
        distortion_model="plumb_bob",
        d=[0.1, -0.2, 0.0, 0.0, 0.3],
        k=np.arange(9) / 3,
        r=np.arange(9) / 7,
        p=np.arange(12) / 9,
        binning_x=1,
        binning_y=2,
        roi=RegionOfInterest(x_offset=3, y_offset=4, height=5, width=6, do_rectify=True),
    )
    estimate = msg.HandObjectEstimate(
        header=Header(frame_id="camera"),
        has_object=True,
        side=msg.ManoGrasp.LEFT,
        mano_vector=np.arange(61, dtype=np.float32) / 61,
        joints=[Point(x=1.0 * index, y=index / 3) for index in range(21)],
        hand_confidence=0.5,
        object_name="cup",
        contact_forces=[Vector3(x=index / 9) for index in range(num_candidates)],
    )
    estimate.contact_map.probabilities = [0.25] * num_candidates
    cloud = cloud_from_points(sample_points(), Header(frame_id=CLOUD_FRAME))
    cloud.header.stamp.sec, cloud.header.stamp.nanosec = 5, 6
    return msg.GraspRequest(
        instruction="hold it" + "!" * num_candidates,
        cloud=cloud,
        images=[image_from_rgb(sample_pixels(), Header(frame_id="lens"))] * 2,
        camera_infos=[camera_info] * 2,
        view_slots=["front", "top"],
        num_candidates=num_candidates,
        seed=2**32 - 1,
        object_hint=msg.ObjectHint(header=Header(frame_id="hint"), point=Point(x=0.1), size=Vector3(z=0.2)),
        contact_constraints=[msg.ContactConstraint(kind=1, part=part, radius=0.125) for part in range(num_candidates)],
        demonstration=[estimate],
    )


@pytest.fixture
def client(domain):
    rclpy.init()
    node = rclpy.create_node("test_client")
    yield PlanGraspClient(node)
    node.destroy_node()
    rclpy.try_shutdown()


def test_requests_and_plans_are_the_same_on_both_sides(start_program, client):
    requests = [full_request(num_candidates) for num_candidates in (1, 4, 8)]
    requests += [msg.GraspRequest(), msg.GraspRequest(instruction="hold it")]
    program = start_program("planner_server", len(requests))
    assert client.wait_for_planner(PATIENCE_S)
    plans = [client.plan(request, PATIENCE_S) for request in requests]
    told = program.finish()
    assert [value for name, value in told if name == "request"] == [message_values(request) for request in requests]
    assert [value for name, value in told if name == "answer"] == [message_values(plan) for plan in plans]
    assert [len(plan.grasps) for plan in plans] == [1, 4, 8, 0, 0]
    assert [plan.code for plan in plans] == [0, 0, 0, msg.GraspPlan.NO_INSTRUCTION, 0]
    grasp = plans[2].grasps[7]
    assert (grasp.side, grasp.score, grasp.wrist_pose.position.x) == (msg.ManoGrasp.LEFT, 0.125, 7.1)
    np.testing.assert_array_equal(grasp.mano_vector, 7 + np.arange(61, dtype=np.float32) / np.float32(61))


def test_the_command_line_client_prints_the_plan(start_program):
    program = start_program("planner_server", 1)
    run = subprocess.run(
        [sys.executable, ROOT / "scripts" / "plan_grasp", "hold it", "--num-candidates", "2"],
        capture_output=True,
        text=True,
        env=os.environ,
        timeout=PATIENCE_S,
    )
    assert run.returncode == 0, run.stderr
    (_, request), (_, answer) = program.finish()
    assert (request["instruction"], request["num_candidates"]) == ("hold it", 2)
    for grasp in answer["grasps"]:
        assert f"{grasp['score']:.3f}" in run.stdout
