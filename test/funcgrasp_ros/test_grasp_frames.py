import time
from collections.abc import Callable

import numpy as np
import pytest
import rclpy
import tf2_ros
from node_bench import PATIENCE_S, NodeBench
from rclpy.time import Time
from sample_plans import sample_plan
from std_msgs.msg import Header, String
from tf2_msgs.msg import TFMessage

from funcgrasp_ros import msg, qos_profiles
from funcgrasp_ros.conversions.transforms import matrix_from_pose, matrix_from_transform
from funcgrasp_ros.grasp_frames import WITHDRAWN_FRAME, GraspFrames, pregrasp_frame, wrist_frame

pytestmark = pytest.mark.ros


class Listener:
    """A tf2 listener on the bench's client node."""

    def __init__(self, bench: NodeBench):
        self._bench = bench
        self.buffer = tf2_ros.Buffer()
        self._listener = tf2_ros.TransformListener(self.buffer, bench.node)

    def knows(self, frame: str) -> bool:
        return self.buffer.can_transform("table", frame, Time())

    def wait_for(self, frame: str) -> np.ndarray:
        self._bench.wait_until(lambda: self.knows(frame))
        return matrix_from_transform(self.buffer.lookup_transform("table", frame, Time()).transform)


@pytest.mark.parametrize(("namespace", "prefix"), [("/", ""), ("/left/arm", "left/arm/")])
def test_the_namespace_becomes_part_of_the_names(namespace, prefix):
    assert wrist_frame(0, namespace) == f"{prefix}grasp_0/wrist"
    assert pregrasp_frame(2, namespace) == f"{prefix}grasp_2/pregrasp"


def test_the_best_grasps_are_found_by_name_also_by_late_joiners():
    with NodeBench({"grasp_frames": 2}) as bench:
        answer = bench.plan(bench.request(num_candidates=3))
        listener = Listener(bench)
        for rank in range(2):
            grasp = answer.grasps[rank]
            for name, pose in ((wrist_frame(rank), grasp.wrist_pose), (pregrasp_frame(rank), grasp.pregrasp_pose)):
                np.testing.assert_allclose(listener.wait_for(name), matrix_from_pose(pose), atol=1e-6)
        assert not listener.knows(wrist_frame(2))


def test_a_plan_takes_the_place_of_the_one_before_and_withdraws_what_it_has_no_grasp_for():
    with NodeBench({"grasp_frames": 3}) as bench:
        listener = Listener(bench)
        bench.plan(bench.request(num_candidates=3))
        listener.wait_for(wrist_frame(2))
        second = bench.plan(bench.request(num_candidates=1, seed=5))
        bench.wait_until(lambda: not listener.knows(wrist_frame(2)))
        with pytest.raises(tf2_ros.TransformException):
            listener.buffer.lookup_transform("table", pregrasp_frame(1), Time())
        expected = matrix_from_pose(second.grasps[0].wrist_pose)
        np.testing.assert_allclose(listener.wait_for(wrist_frame(0)), expected, atol=1e-6)


def test_a_failure_withdraws_all_frames():
    with NodeBench({"grasp_frames": 1}) as bench:
        listener = Listener(bench)
        bench.plan()
        listener.wait_for(pregrasp_frame(0))
        instructions = bench.publisher(String, "instruction", qos_profiles.COMMAND_INPUT)
        instructions.publish(String(data="lift it"))
        bench.wait_until(lambda: not listener.knows(pregrasp_frame(0)))
        assert not listener.knows(wrist_frame(0))


def test_cleaning_up_withdraws_all_frames():
    with NodeBench({"grasp_frames": 1}) as bench:
        listener = Listener(bench)
        bench.plan()
        listener.wait_for(wrist_frame(0))
        bench.planner_node.trigger_deactivate()
        assert listener.knows(wrist_frame(0))
        bench.planner_node.trigger_cleanup()
        bench.wait_until(lambda: not listener.knows(wrist_frame(0)))


def test_without_being_asked_no_frame_is_sent():
    with NodeBench() as bench:
        bench.plan()
        plans = bench.listen(msg.GraspPlan, "grasp_planner/grasps")
        bench.wait_until(lambda: bool(plans))
        assert bench.node.count_publishers("/tf_static") == 0


@pytest.fixture
def arm():
    """A node that hears what it sends itself."""
    rclpy.init()
    node = rclpy.create_node("arm")
    yield node
    node.destroy_node()
    rclpy.shutdown()


def parents_once(node, received: list[TFMessage], holds: Callable[[dict[str, str]], bool]) -> dict[str, str]:
    """The parent of each frame of the newest message, as soon as the condition holds for them."""
    deadline_s = time.monotonic() + PATIENCE_S
    parents: dict[str, str] = {}
    while not holds(parents):
        assert time.monotonic() < deadline_s, parents
        rclpy.spin_once(node, timeout_sec=0.02)
        for transform in received[-1].transforms if received else ():
            parents[transform.child_frame_id] = transform.header.frame_id
    return parents


def test_every_message_names_all_frames_since_late_joiners_get_only_the_last(arm):
    frames = GraspFrames(arm)
    received: list[TFMessage] = []
    arm.create_subscription(TFMessage, "/tf_static", received.append, qos_profiles.LATCHED_OUTPUT)
    frames.show(sample_plan(num_grasps=2), Header(frame_id="table"), 2)
    frames.show(sample_plan(num_grasps=1), Header(frame_id="table"), 2)
    assert parents_once(arm, received, lambda parents: WITHDRAWN_FRAME in parents.values()) == {
        "grasp_0/wrist": "table",
        "grasp_0/pregrasp": "table",
        "grasp_1/wrist": WITHDRAWN_FRAME,
        "grasp_1/pregrasp": WITHDRAWN_FRAME,
    }
    frames.close()
    assert arm.count_publishers("/tf_static") == 0


def test_a_plan_without_a_frame_withdraws_the_frames(arm):
    frames = GraspFrames(arm)
    received: list[TFMessage] = []
    arm.create_subscription(TFMessage, "/tf_static", received.append, qos_profiles.LATCHED_OUTPUT)
    frames.show(sample_plan(num_grasps=1), Header(frame_id="table"), 2)
    frames.show(sample_plan(num_grasps=1), Header(), 2)
    parents = parents_once(arm, received, lambda parents: WITHDRAWN_FRAME in parents.values())
    assert set(parents.values()) == {WITHDRAWN_FRAME}
    assert len(parents) == 2
