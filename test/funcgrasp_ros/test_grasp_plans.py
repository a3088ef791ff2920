import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_plans import reference_hand, sample_plan
from std_msgs.msg import Header

from funcgrasp_core.contracts import PART_NAMES
from funcgrasp_core.errors import BusyError
from funcgrasp_ros import msg
from funcgrasp_ros.conversions.grasp_plans import message_from_error, message_from_plan, plan_from_message
from funcgrasp_ros.plan_table import plan_table, refusal_text


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), num_grasps=st.integers(1, 5))
def test_a_plan_survives_the_way_there_and_back(seed, num_grasps):
    plan = sample_plan(seed=seed, num_grasps=num_grasps)
    message = message_from_plan(plan, Header(frame_id="table"))
    assert (message.code, message.message) == (msg.GraspPlan.SUCCESS, "")
    back = plan_from_message(message, reference_hand())
    assert (back.frame, back.instruction, back.notes) == (plan.frame, plan.instruction, plan.notes)
    assert back.timings == plan.timings
    np.testing.assert_array_equal(back.hand_faces, plan.hand_faces)
    np.testing.assert_allclose(back.contact_map.points, plan.contact_map.points)
    np.testing.assert_allclose(back.contact_map.probabilities, plan.contact_map.probabilities)
    for mine, other in zip(plan.grasps, back.grasps, strict=True):
        assert mine.score_terms == dict(other.score_terms)
        for name in ("vector", "joints", "vertices", "wrist_pose", "pregrasp_pose", "approach_direction"):
            np.testing.assert_allclose(getattr(other, name), getattr(mine, name), atol=1e-5)


def test_an_error_becomes_its_code_and_its_sentence():
    message = message_from_error(BusyError("Come back later."), "hold it", Header())
    assert (message.code, message.message, message.instruction) == (msg.GraspPlan.BUSY, "Come back later.", "hold it")
    assert not message.grasps
    assert refusal_text(message) == "BUSY (18): Come back later."


def test_parts_have_the_same_numbers_on_both_sides():
    numbers = [getattr(msg.ContactMap, name.upper()) for name in PART_NAMES]
    assert numbers == list(range(msg.ContactMap.NUM_PARTS))


def test_the_table_has_a_row_for_each_grasp_and_says_what_was_done():
    plan = sample_plan(num_grasps=4)
    lines = plan_table(message_from_plan(plan, Header(frame_id="table"))).splitlines()
    assert lines[0] == '"hold it" in frame table'
    assert lines[1].split()[:4] == ["rank", "score", "agreement", "clearance"]
    assert [line.split()[0] for line in lines[2:6]] == ["1", "2", "3", "4"]
    assert lines[6:] == ["time: sample 0.250 s, total 0.500 s", "Nothing was dropped."]
