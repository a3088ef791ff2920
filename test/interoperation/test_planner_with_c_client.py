"""A C program on Debian's Cyclone DDS uses the planner node as a robot would."""

from collections.abc import Callable

import numpy as np
import pytest
from json_printers import message_values
from node_bench import NodeBench
from sample_inputs import CLOUD_FRAME, sample_pixels, sample_points
from std_msgs.msg import Header
from waiting import PATIENCE_S

from funcgrasp_ros import msg
from funcgrasp_ros.conversions.clouds import cloud_from_points, contact_cloud
from funcgrasp_ros.conversions.grasp_plans import contact_map_from_message
from funcgrasp_ros.conversions.images import image_from_rgb
from funcgrasp_ros.grasp_planner_node import PlannerBuilder, build_planner

pytestmark = pytest.mark.ros

NUM_CANDIDATES, SEED = 3, 7
PARAMETERS = {"max_cloud_age": 0.0, "num_candidates": 2}
"""The stamps of the program's clouds are 1, 2 and 3 seconds after 1970."""

STEPS = [
    "refusal",
    "plan of the request's cloud",
    "plan of the topic's cloud",
    "plan for who comes late",
    "plan of the instruction",
    "contact cloud",
]


def received_by_client(start_program: Callable) -> dict:
    """What the program receives in each of its steps; of several answers in one step the last."""
    received = dict(start_program("planner_client", NUM_CANDIDATES, SEED).finish())
    assert list(received) == STEPS
    return received


def answer_in_python(bench: NodeBench, instruction: str, stamp: int, **fields) -> msg.GraspPlan:
    """The node's answer to the same request from a Python client."""
    cloud = cloud_from_points(sample_points(), Header(frame_id=CLOUD_FRAME))
    cloud.header.stamp.sec = stamp
    return bench.client.plan(msg.GraspRequest(instruction=instruction, cloud=cloud, **fields), PATIENCE_S)


def without_times(plan: msg.GraspPlan | dict) -> dict:
    """The values of a plan but for how long it took."""
    values = plan if isinstance(plan, dict) else message_values(plan)
    return {name: value for name, value in values.items() if name != "timing_seconds"}


@pytest.mark.parametrize("planner_builder", [None, build_planner], ids=["sample plans", "shipped model"])
def test_a_c_client_gets_what_a_python_client_gets(start_program, planner_builder: PlannerBuilder | None):
    wanted = {"num_candidates": NUM_CANDIDATES, "seed": SEED}
    with NodeBench(PARAMETERS, planner_builder) as bench:
        received = received_by_client(start_program)
        picture = {"images": [image_from_rgb(sample_pixels(), Header(frame_id="lens"))], "view_slots": ["front"]}
        seen = answer_in_python(bench, 'hold it "gently", naïvely', 1, **picture, **wanted)
        lifted = answer_in_python(bench, "lift it", 2, **wanted)
        handed_over = answer_in_python(bench, "hand it over", 3)
    assert received["refusal"]["code"] == msg.GraspPlan.NO_CLOUD
    assert "object_cloud" in received["refusal"]["message"]
    assert (seen.code, lifted.code, handed_over.code) == (msg.GraspPlan.SUCCESS,) * 3
    assert (len(seen.grasps), len(handed_over.grasps)) == (NUM_CANDIDATES, PARAMETERS["num_candidates"])
    assert without_times(received["plan of the request's cloud"]) == without_times(seen)
    assert without_times(received["plan of the topic's cloud"]) == without_times(lifted)
    assert received["plan for who comes late"] == received["plan of the topic's cloud"]
    assert without_times(received["plan of the instruction"]) == without_times(handed_over)
    shown = contact_cloud(contact_map_from_message(handed_over.contact_map), handed_over.header)
    assert 3 * shown.width == len(handed_over.contact_map.points) > 0
    assert received["contact cloud"] == message_values(shown)


def test_the_planner_sees_what_a_c_client_sends(start_program):
    with NodeBench(PARAMETERS) as bench:
        received_by_client(start_program)
        observations = bench.planner.observations
    assert len(observations) >= 3
    for observation in observations:
        np.testing.assert_array_equal(observation.points, sample_points())
        assert observation.frame == CLOUD_FRAME
    np.testing.assert_array_equal(observations[0].views["front"], sample_pixels())
    assert [list(observation.views) for observation in observations[1:]] == [[]] * (len(observations) - 1)
