"""Clouds of the running node: several put together, and scenes of which one object is planned on."""

import numpy as np
import pytest
from geometry_msgs.msg import Point, TransformStamped, Vector3
from node_bench import NodeBench, object_points
from rclpy.parameter import Parameter
from sample_scenes import box, cylinder, scene, table
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Header
from tf2_msgs.msg import TFMessage

from funcgrasp_ros import msg, qos_profiles
from funcgrasp_ros.conversions.clouds import cloud_from_points
from funcgrasp_ros.conversions.transforms import transform_from_matrix

pytestmark = pytest.mark.ros

SUCCESS = msg.GraspPlan.SUCCESS
MUG = cylinder(centre=(0.02, 0.03))
CRATE = box(centre=(-0.2, 0.1), size=(0.08, 0.08, 0.12))


def shift(x: float = 0.0, y: float = 0.0, z: float = 0.0) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, 3] = (x, y, z)
    return matrix


def static_transforms(bench: NodeBench, parent: str, matrices: dict[str, np.ndarray]):
    """Publishes where some frames stand; the publisher must be kept."""
    stamped = []
    for child, matrix in matrices.items():
        stamped.append(TransformStamped(header=Header(frame_id=parent), child_frame_id=child))
        stamped[-1].transform = transform_from_matrix(matrix)
    publisher = bench.publisher(TFMessage, "/tf_static", qos_profiles.LATCHED_OUTPUT)
    publisher.publish(TFMessage(transforms=stamped))
    return publisher


def planned_points(bench: NodeBench) -> np.ndarray:
    return bench.planner.observations[-1].points


FUSED = {"cloud_topics": ["left/points", "right/points"], "planning_frame": "world", "camera_topics": [""]}


def test_several_clouds_are_put_together_in_the_planning_frame():
    with NodeBench(FUSED) as bench:
        transforms = static_transforms(bench, "world", {"left": shift(x=0.1), "right": shift(x=-0.1)})
        publishers = {side: bench.publisher(PointCloud2, f"{side}/points") for side in ("left", "right")}
        to_side = np.array([0.1, 0.0, 0.0])
        halves = {"left": object_points(100) - to_side, "right": object_points(150, seed=1) + to_side}
        answers = []

        def both_are_planned_on() -> bool:
            for side, points in halves.items():
                publishers[side].publish(cloud_from_points(points, bench.header(side)))
            answers.append(bench.plan(msg.GraspRequest(instruction="hold it", num_candidates=1)))
            return answers[-1].code == SUCCESS and len(planned_points(bench)) == 250

        bench.wait_until(both_are_planned_on)
        expected = np.concatenate([object_points(100), object_points(150, seed=1)])
        np.testing.assert_allclose(planned_points(bench), expected, atol=1e-6)
        assert answers[-1].header.frame_id == "world"
        assert "Put 2 clouds together: 100 points from 'left', 150 points from 'right'." in answers[-1].notes
        del transforms


def test_a_stale_one_of_several_clouds_is_left_out_with_a_note():
    with NodeBench({**FUSED, "max_cloud_age": 5.0}) as bench:
        transforms = static_transforms(bench, "world", {"left": shift(), "right": shift()})
        publishers = {side: bench.publisher(PointCloud2, f"{side}/points") for side in ("left", "right")}
        answers = []

        def stale_is_noted() -> bool:
            old = bench.header("right")
            old.stamp.sec -= 60
            publishers["left"].publish(cloud_from_points(object_points(), bench.header("left")))
            publishers["right"].publish(cloud_from_points(object_points(), old))
            answers.append(bench.plan(msg.GraspRequest(instruction="hold it", num_candidates=1)))
            return any("'/right/points' is not used: it is 6" in note for note in answers[-1].notes)

        bench.wait_until(stale_is_noted)
        assert answers[-1].code == SUCCESS
        assert len(planned_points(bench)) == 200
        del transforms


def test_before_all_of_several_clouds_have_come_those_that_have_are_planned_on():
    with NodeBench(FUSED) as bench:
        transforms = static_transforms(bench, "world", {"left": shift()})
        left = bench.publisher(PointCloud2, "left/points")
        answers = []

        def left_is_planned_on() -> bool:
            left.publish(cloud_from_points(object_points(), bench.header("left")))
            answers.append(bench.plan(msg.GraspRequest(instruction="hold it", num_candidates=1)))
            return answers[-1].code == SUCCESS

        bench.wait_until(left_is_planned_on)
        assert "No cloud has arrived on '/right/points'." in answers[-1].notes
        del transforms


SCENE = {"object_source": "scene", "camera_topics": [""], "workspace_min": [-0.5, -0.5, -0.2]}


@pytest.fixture(scope="module")
def bench():
    with NodeBench(SCENE) as bench:
        bench.transforms = static_transforms(bench, "table", {"tool": shift(x=-0.2, z=0.06)})
        yield bench


def scene_request(bench: NodeBench, *parts: np.ndarray, **fields) -> msg.GraspRequest:
    return bench.request(cloud=cloud_from_points(scene(*parts), bench.header()), **fields)


def hint(frame: str, position=(0.0, 0.0, 0.0), size=(0.0, 0.0, 0.0)) -> msg.ObjectHint:
    x, y, z = position
    width, depth, height = size
    return msg.ObjectHint(
        header=Header(frame_id=frame), point=Point(x=x, y=y, z=z), size=Vector3(x=width, y=depth, z=height)
    )


def test_the_most_central_object_of_a_scene_is_planned_on(bench):
    answer = bench.plan(scene_request(bench, table(), MUG, CRATE))
    assert answer.code == SUCCESS, answer.message
    assert planned_points(bench)[:, 0].min() > -0.05
    (note,) = [note for note in answer.notes if " points: " in note]
    assert "on the table" in note
    assert "in 1 other object" in note


def test_a_hint_in_another_frame_chooses_the_object(bench):
    answers = []

    def transform_is_known() -> bool:
        answers.append(
            bench.plan(scene_request(bench, table(), MUG, CRATE, object_hint=hint("tool", (0.0, 0.06, 0.0))))
        )
        return answers[-1].code != msg.GraspPlan.NO_TRANSFORM

    bench.wait_until(transform_is_known)
    assert answers[-1].code == SUCCESS, answers[-1].message
    assert planned_points(bench)[:, 0].max() < -0.1
    assert any("of the hinted object" in note for note in answers[-1].notes)


@pytest.mark.parametrize(
    ("parts", "fields", "code_name", "message"),
    [
        ([table()], {}, "OBJECT_NOT_FOUND", "15,000 on the table; nothing stands on the table"),
        ([table() + 3.0], {}, "OBJECT_NOT_FOUND", "15,000 outside of the workspace"),
        ([table(), MUG], {"object_hint": hint("table", (0.3, 0.3, 0.0))}, "OBJECT_HINT", "m from the hint"),
        ([table(), MUG], {"object_hint": hint("moon", (0.3, 0.3, 0.0))}, "NO_TRANSFORM", "'table' to 'moon'"),
        ([table(), MUG], {"object_hint": hint("table", size=(0.1, 0.0, 0.0))}, "INVALID_REQUEST", "three positive"),
        ([np.full((5, 3), np.nan)], {}, "NOT_FINITE", "None of the scene's 5 points"),
    ],
    ids=["only a table", "elsewhere", "hint beside", "hint of nowhere", "flat box", "not finite"],
)
def test_scenes_without_the_object_say_where_the_points_went(bench, parts, fields, code_name, message):
    bench.planner_node.set_parameters([Parameter("transform_timeout", value=0.0)])
    answer = bench.plan(scene_request(bench, *parts, **fields))
    assert answer.code == getattr(msg.GraspPlan, code_name), answer.message
    assert message in answer.message
