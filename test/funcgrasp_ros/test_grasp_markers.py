import numpy as np
import pytest
from sample_plans import sample_plan
from std_msgs.msg import Header
from visualization_msgs.msg import Marker

from funcgrasp_core.visualisation.contact_colours import BEST_HAND_COLOUR, OTHER_HAND_COLOUR
from funcgrasp_ros.grasp_markers import BEST_OPACITY, OTHER_OPACITY, clearing_markers, plan_markers

KINDS = ("hands", "scores", "wrists", "approaches")


def markers_of(plan, namespace, num_hands=3) -> list[Marker]:
    array = plan_markers(plan, Header(frame_id="table"), num_hands)
    return [marker for marker in array.markers if marker.ns == namespace]


def test_the_first_marker_clears_the_plan_before():
    array = plan_markers(sample_plan(num_grasps=2), Header(frame_id="table"), num_hands=1)
    assert array.markers[0].action == Marker.DELETEALL
    assert {marker.action for marker in array.markers[1:]} == {Marker.ADD}
    assert [marker.action for marker in clearing_markers(Header()).markers] == [Marker.DELETEALL]


def test_grasps_come_best_first_each_with_all_its_marks():
    array = plan_markers(sample_plan(num_grasps=5), Header(frame_id="table"), num_hands=3)
    names = [(marker.ns, marker.id) for marker in array.markers[1:] if marker.ns != "legend"]
    assert names == [(name, rank) for rank in range(3) for name in KINDS]
    assert {marker.header.frame_id for marker in array.markers} == {"table"}


def test_without_hands_the_legend_is_left():
    array = plan_markers(sample_plan(), Header(frame_id="table"), num_hands=0)
    assert {marker.ns for marker in array.markers[1:]} == {"legend"}


def test_the_best_hand_is_opaque_and_has_the_colour_that_it_has_on_the_page():
    hands = markers_of(sample_plan(num_grasps=3), "hands")
    for hand, colour, opacity in zip(
        hands,
        [BEST_HAND_COLOUR, OTHER_HAND_COLOUR, OTHER_HAND_COLOUR],
        [BEST_OPACITY, OTHER_OPACITY, OTHER_OPACITY],
        strict=True,
    ):
        drawn = np.array([hand.color.r, hand.color.g, hand.color.b, hand.color.a])
        np.testing.assert_allclose(drawn, [*(colour / 255), opacity], atol=1e-6)
    assert BEST_OPACITY == 1.0


def test_a_hand_is_the_closed_mesh_of_its_grasp():
    plan = sample_plan(num_grasps=1)
    (hand,) = markers_of(plan, "hands")
    assert hand.type == Marker.TRIANGLE_LIST
    points = np.array([(point.x, point.y, point.z) for point in hand.points])
    np.testing.assert_allclose(points, plan.grasps[0].vertices[plan.hand_faces.reshape(-1)], atol=1e-6)


def test_scores_name_the_grasps_as_their_frames_do_and_never_share_a_place():
    plan = sample_plan(num_grasps=5)
    one_place = [vars(plan.grasps[0]) | {"score": 0.5} for _ in range(3)]
    together = type(plan)(**{**vars(plan), "grasps": tuple(type(plan.grasps[0])(**values) for values in one_place)})
    assert [marker.text for marker in markers_of(plan, "scores")] == [
        "grasp_0: 1.00",
        "grasp_1: 0.80",
        "grasp_2: 0.60",
    ]
    heights = [marker.pose.position.z for marker in markers_of(together, "scores")]
    text_height = markers_of(plan, "scores")[0].scale.z
    assert np.diff(heights).min() > text_height


def test_wrist_axes_are_drawn_in_the_wrist_frame():
    plan = sample_plan(num_grasps=1)
    (wrist,) = markers_of(plan, "wrists")
    position = wrist.pose.position
    np.testing.assert_allclose((position.x, position.y, position.z), plan.grasps[0].wrist_pose[:3, 3])
    ends = np.array([(point.x, point.y, point.z) for point in wrist.points[1::2]])
    np.testing.assert_allclose(ends, 0.04 * np.eye(3))
    assert len(wrist.colors) == len(wrist.points) == 6


def test_an_approach_leads_from_the_waiting_to_the_grasping_wrist():
    plan = sample_plan(num_grasps=1)
    (arrow,) = markers_of(plan, "approaches")
    assert arrow.type == Marker.ARROW
    start, end = (np.array([point.x, point.y, point.z]) for point in arrow.points)
    np.testing.assert_allclose(end, plan.grasps[0].wrist_pose[:3, 3], atol=1e-7)
    direction = (end - start) / np.linalg.norm(end - start)
    assert direction @ plan.grasps[0].approach_direction == pytest.approx(1.0)
