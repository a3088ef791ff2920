"""A C program on Debian's Cyclone DDS uses the planner node as a robot would."""

import numpy as np
import pytest
from json_printers import message_values
from node_bench import NodeBench
from sample_inputs import CLOUD_FRAME, sample_pixels, sample_points
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Header

from funcgrasp_ros import msg
from funcgrasp_ros.conversions.clouds import cloud_from_points
from funcgrasp_ros.conversions.images import image_from_rgb
from funcgrasp_ros.grasp_planner_node import build_planner

pytestmark = pytest.mark.ros

NUM_CANDIDATES, SEED = 3, 7
PARAMETERS = {"max_cloud_age": 0.0, "num_candidates": 2}
"""The program's clouds are stamped with 1, 2 and 3 seconds after 1970."""

STEPS = [
    "refusal",
    "plan of the request's cloud",
    "plan of the topic's cloud",
    "plan for who comes late",
    "plan of the instruction",
    "contact cloud",
]


def run_client(bench: NodeBench, start_program) -> dict:
    """What the program receives in each of its steps, the last of each."""
    received = dict(start_program("planner_client", NUM_CANDIDATES, SEED).finish())
    assert list(received) == STEPS
    return received


def planned_in_python(bench: NodeBench, instruction: str, stamp: int, **fields) -> dict:
    """The values of the node's answer to the same request from a Python client."""
    cloud = cloud_from_points(sample_points(), Header(frame_id=CLOUD_FRAME))
    cloud.header.stamp.sec = stamp
    return message_values(bench.plan(msg.GraspRequest(instruction=instruction, cloud=cloud, **fields)))


def without_times(plan: dict) -> dict:
    return {key: value for key, value in plan.items() if key != "timing_seconds"}


@pytest.mark.parametrize("planner_builder", [None, build_planner], ids=["sample plans", "shipped model"])
def test_a_c_client_is_answered_and_shown_what_a_python_client_is(start_program, planner_builder):
    wanted = {"num_candidates": NUM_CANDIDATES, "seed": SEED}
    with NodeBench(PARAMETERS, planner_builder) as bench:
        received = run_client(bench, start_program)
        image = image_from_rgb(sample_pixels(), Header(frame_id="lens"))
        instruction = 'hold it "gently", naïvely'
        with_picture = planned_in_python(bench, instruction, 1, images=[image], view_slots=["front"], **wanted)
        lifting = planned_in_python(bench, "lift it", 2, **wanted)
        handing_over = planned_in_python(bench, "hand it over", 3)
    assert received["refusal"]["code"] == msg.GraspPlan.NO_CLOUD
    assert "object_cloud" in received["refusal"]["message"]
    assert with_picture["code"] == msg.GraspPlan.SUCCESS
    assert len(with_picture["grasps"]) == NUM_CANDIDATES
    assert len(handing_over["grasps"]) == PARAMETERS["num_candidates"]
    assert without_times(received["plan of the request's cloud"]) == without_times(with_picture)
    assert without_times(received["plan of the topic's cloud"]) == without_times(lifting)
    assert received["plan for who comes late"] == received["plan of the topic's cloud"]
    assert without_times(received["plan of the instruction"]) == without_times(handing_over)
