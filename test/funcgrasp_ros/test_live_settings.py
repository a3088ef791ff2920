"""Parameters of the running node: what may change, what may not and why, and that the change counts."""

import sys

import pytest
from node_bench import NodeBench
from rclpy.parameter import Parameter

from funcgrasp_ros import msg
from funcgrasp_ros.node_parameters import PLANNER_PARAMETERS, READ_WHEN

pytestmark = pytest.mark.ros


@pytest.fixture
def bench():
    with NodeBench({"camera_topics": ["one"]}) as bench:
        yield bench


def objection(bench: NodeBench, name: str, value) -> str:
    """Why the node does not take a value; empty if it does."""
    (result,) = bench.planner_node.set_parameters([Parameter(name, value=value)])
    assert result.successful == (not result.reason)
    return result.reason


def test_every_parameter_is_described(bench):
    for name, parameter in PLANNER_PARAMETERS.items():
        descriptor = bench.planner_node.describe_parameter(name)
        assert descriptor.description == parameter.description
        assert descriptor.additional_constraints == READ_WHEN[parameter.read_when]
        assert descriptor.read_only == (parameter.read_when == "start")
        assert len(descriptor.integer_range) + len(descriptor.floating_point_range) == (parameter.limits is not None)


def test_a_change_counts_from_the_next_request_on(bench):
    assert len(bench.plan(bench.request(num_candidates=0)).grasps) == 16
    assert not objection(bench, "num_candidates", 5)
    assert len(bench.plan(bench.request(num_candidates=0)).grasps) == 5
    assert not objection(bench, "max_candidates", 6)
    assert bench.plan(bench.request(num_candidates=7)).code == msg.GraspPlan.INVALID_REQUEST
    assert not objection(bench, "planning_frame", "nowhere")
    assert not objection(bench, "transform_timeout", 0.0)
    assert bench.plan().code == msg.GraspPlan.NO_TRANSFORM


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("checkpoint", "other.safetensors", "'checkpoint' cannot change now. Read when the node is configured"),
        ("device", "cuda", "clean up, set it, configure"),
        ("queue_size", 7, "clean up, set it, configure"),
        ("camera_topics", ["two"], "clean up, set it, configure"),
        ("autostart", False, "read-only"),
        ("num_candidates", 0, "num_candidates"),
        ("num_candidates", 200, "more than 'max_candidates', 128; lower the first or raise the second"),
        ("num_candidates", "many", "type"),
        ("crop_margin", 0.5, "crop_margin"),
        ("object_source", "mesh", "expected cloud, scene"),
        ("workspace_min", [2.0, 0.0, 0.0], "the first must be lower"),
        ("camera_slots", ["above"], "expected front"),
    ],
)
def test_what_cannot_change_is_refused_with_the_reason(bench, name, value, reason):
    before = bench.planner_node.get_parameter(name).value
    assert reason in objection(bench, name, value)
    assert bench.planner_node.get_parameter(name).value == before


def test_a_file_that_sets_every_parameter_to_what_it_is_changes_nothing(bench):
    for name, parameter in PLANNER_PARAMETERS.items():
        if parameter.read_when != "start":
            value = bench.planner_node.get_parameter(name).value
            assert not objection(bench, name, value), name


def test_scenes_are_refused_where_open3d_is_missing(bench, monkeypatch):
    monkeypatch.setitem(sys.modules, "open3d", None)
    assert "pip install 'funcgrasp[scene]'" in objection(bench, "object_source", "scene")
    node = bench.planner_node
    node.trigger_deactivate()
    node.trigger_cleanup()
    assert not objection(bench, "object_source", "scene")
    assert not node.start()
    assert bench.plan().code == msg.GraspPlan.MISSING_DEPENDENCY
    monkeypatch.undo()
    assert node.start()


def test_after_cleanup_the_parameters_are_free_and_checked_by_configure(bench):
    node = bench.planner_node
    node.trigger_deactivate()
    assert "clean up" in objection(bench, "queue_size", 0)
    node.trigger_cleanup()
    assert not objection(bench, "queue_size", 0)
    assert not objection(bench, "device", "tpu")
    assert not node.start()
    refusal = bench.plan()
    assert refusal.code == msg.GraspPlan.CONFIGURATION
    assert "expected cpu, cuda" in refusal.message
    assert not objection(bench, "device", "cpu")
    assert node.start()
    assert bench.plan().code == msg.GraspPlan.SUCCESS
