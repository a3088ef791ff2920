import numpy as np
from sample_plans import sample_plan
from std_msgs.msg import Header
from visualization_msgs.msg import Marker

from funcgrasp_ros.grasp_markers import BEST_OPACITY, clearing_markers, plan_markers


def test_the_first_marker_clears_the_plan_before():
    array = plan_markers(sample_plan(num_grasps=2), Header(frame_id="table"), num_hands=1)
    assert array.markers[0].action == Marker.DELETEALL
    assert [marker.action for marker in array.markers[1:]] == [Marker.ADD] * 3
    assert [marker.action for marker in clearing_markers(Header()).markers] == [Marker.DELETEALL]


def test_hands_come_best_first_with_text_and_axes():
    plan = sample_plan(num_grasps=5)
    array = plan_markers(plan, Header(frame_id="table"), num_hands=3)
    names = [(marker.ns, marker.id) for marker in array.markers[1:]]
    assert names == [(name, rank) for rank in range(3) for name in ("hands", "scores", "wrists")]
    assert {marker.header.frame_id for marker in array.markers} == {"table"}
    texts = [marker.text for marker in array.markers if marker.ns == "scores"]
    assert texts == ["1: 1.00", "2: 0.80", "3: 0.60"]
    hands = [marker for marker in array.markers if marker.ns == "hands"]
    assert [np.isclose(hand.color.a, BEST_OPACITY) for hand in hands] == [True, False, False]


def test_a_hand_is_the_closed_mesh_of_its_grasp():
    plan = sample_plan(num_grasps=1)
    array = plan_markers(plan, Header(), num_hands=1)
    (hand,) = (marker for marker in array.markers if marker.ns == "hands")
    assert hand.type == Marker.TRIANGLE_LIST
    points = np.array([(point.x, point.y, point.z) for point in hand.points])
    np.testing.assert_allclose(points, plan.grasps[0].vertices[plan.hand_faces.reshape(-1)], atol=1e-6)


def test_wrist_axes_are_drawn_in_the_wrist_frame():
    plan = sample_plan(num_grasps=1)
    array = plan_markers(plan, Header(), num_hands=1)
    (wrist,) = (marker for marker in array.markers if marker.ns == "wrists")
    position = wrist.pose.position
    np.testing.assert_allclose((position.x, position.y, position.z), plan.grasps[0].wrist_pose[:3, 3])
    ends = np.array([(point.x, point.y, point.z) for point in wrist.points[1::2]])
    np.testing.assert_allclose(ends, 0.04 * np.eye(3))
    assert len(wrist.colors) == len(wrist.points) == 6
