import dataclasses
import threading

import numpy as np
import pytest
import torch
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import TransformStamped
from node_bench import PATIENCE_S, NodeBench, object_points
from rclpy.parameter import Parameter
from sample_plans import SamplePlanner
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from std_msgs.msg import Header, String
from tf2_msgs.msg import TFMessage
from visualization_msgs.msg import Marker, MarkerArray

from funcgrasp_core.checkpoints import save_checkpoint
from funcgrasp_core.grasp_model.grasp_model import build_grasp_model
from funcgrasp_core.grasp_model.named_configs import DEBUG
from funcgrasp_core.grasp_model.qwen.config import QwenSemanticConfig
from funcgrasp_core.visualisation.mesh_renderer import look_at
from funcgrasp_ros import msg, qos_profiles, srv
from funcgrasp_ros.conversions.clouds import cloud_from_points, points_from_cloud
from funcgrasp_ros.conversions.images import image_from_rgb
from funcgrasp_ros.conversions.transforms import transform_from_matrix
from funcgrasp_ros.grasp_planner_node import build_planner

pytestmark = pytest.mark.ros

SUCCESS = msg.GraspPlan.SUCCESS


def publish_until_planned(bench: NodeBench, publish) -> msg.GraspPlan:
    """Publishes until a request without a cloud is answered with something else than NO_CLOUD."""
    for _ in range(50):
        publish()
        answer = bench.plan(msg.GraspRequest(instruction="hold it", num_candidates=1))
        if answer.code != msg.GraspPlan.NO_CLOUD:
            return answer
    raise AssertionError("no cloud arrived")


def static_transform(parent: str, child: str, matrix: np.ndarray) -> TFMessage:
    stamped = TransformStamped(header=Header(frame_id=parent), child_frame_id=child)
    stamped.transform = transform_from_matrix(matrix)
    return TFMessage(transforms=[stamped])


@pytest.mark.parametrize(
    "profile", [qos_profiles.SENSOR_INPUT, qos_profiles.SENSOR_OUTPUT], ids=["best effort", "reliable"]
)
def test_the_newest_cloud_of_the_topic_is_planned_on(profile):
    with NodeBench() as bench:
        clouds = bench.publisher(PointCloud2, "object_cloud", profile)
        header = bench.header()
        answer = publish_until_planned(bench, lambda: clouds.publish(cloud_from_points(object_points(), header)))
        assert answer.code == SUCCESS
        assert (answer.header.frame_id, answer.header.stamp) == ("table", header.stamp)
        np.testing.assert_array_equal(bench.planner.observations[-1].points, object_points())


def test_a_stale_cloud_is_refused():
    with NodeBench({"max_cloud_age": 1.0}) as bench:
        header = bench.header()
        header.stamp.sec -= 30
        clouds = bench.publisher(PointCloud2, "object_cloud")
        answer = publish_until_planned(bench, lambda: clouds.publish(cloud_from_points(object_points(), header)))
        assert answer.code == msg.GraspPlan.STALE_INPUT
        assert "30." in answer.message
        assert "'max_cloud_age' allows 1 s" in answer.message


def test_a_cloud_without_a_stamp_is_not_stale():
    with NodeBench({"max_cloud_age": 1.0}) as bench:
        cloud = cloud_from_points(object_points(), Header(frame_id="table"))
        clouds = bench.publisher(PointCloud2, "object_cloud")
        assert publish_until_planned(bench, lambda: clouds.publish(cloud)).code == SUCCESS


def test_plans_are_given_in_the_planning_frame():
    shift = np.eye(4)
    shift[:3, 3] = (0.0, 0.5, 0.0)
    with NodeBench({"planning_frame": "world", "transform_timeout": 0.0}) as bench:
        refusal = bench.plan()
        assert refusal.code == msg.GraspPlan.NO_TRANSFORM
        assert "'table' to 'world'" in refusal.message
        transforms = bench.publisher(TFMessage, "/tf_static", qos_profiles.LATCHED_OUTPUT)
        transforms.publish(static_transform("world", "table", shift))
        bench.wait_until(lambda: bench.plan().code == SUCCESS)
        assert bench.plan().header.frame_id == "world"
        np.testing.assert_allclose(bench.planner.observations[-1].points, object_points() + shift[:3, 3], atol=1e-6)


def test_cameras_become_views_by_transform_and_camera_info():
    with NodeBench() as bench:
        images = bench.publisher(Image, "camera_2/image")
        infos = bench.publisher(CameraInfo, "camera_2/camera_info")
        transforms = bench.publisher(TFMessage, "/tf_static", qos_profiles.LATCHED_OUTPUT)
        transforms.publish(static_transform("table", "lens", look_at((0.1, 0.6, 0.0), (0, 0, 0), (0, 0, 1))))
        pixels = np.full((60, 80, 3), (10, 20, 30), dtype=np.uint8)
        matrix = np.array([80.0, 0, 39.5, 0, 80.0, 29.5, 0, 0, 1])

        def back_is_seen() -> bool:
            images.publish(image_from_rgb(pixels, bench.header("lens")))
            infos.publish(CameraInfo(header=bench.header("lens"), width=80, height=60, k=matrix))
            answer = bench.plan()
            assert answer.code == SUCCESS, answer.message
            return "back" in bench.planner.observations[-1].views

        bench.wait_until(back_is_seen)
        views = bench.planner.observations[-1].views
        assert list(views) == ["back"]
        assert (views["back"] == (10, 20, 30)).all()
        assert views["back"].shape[0] < 20


def test_without_transforms_the_parameter_names_the_slot():
    with NodeBench({"camera_topics": ["one", "two"], "camera_slots": ["", "top"]}) as bench:
        publishers = [bench.publisher(Image, f"{name}/image") for name in ("one", "two")]

        def top_is_seen() -> bool:
            for publisher in publishers:
                publisher.publish(image_from_rgb(np.zeros((6, 8, 3), dtype=np.uint8), bench.header("lens")))
            answer = bench.plan()
            views = bench.planner.observations[-1].views
            return list(views) == ["top"] and any("image of one is not used" in note for note in answer.notes)

        bench.wait_until(top_is_seen)


def test_requests_beyond_the_queue_are_refused_at_once_and_the_others_answered():
    go_on = threading.Event()
    with NodeBench({"queue_size": 1}) as bench:
        bench.planner.before_planning = lambda: go_on.wait(PATIENCE_S)
        service = bench.node.create_client(srv.PlanGrasp, "plan_grasp")
        assert service.wait_for_service(timeout_sec=PATIENCE_S)
        futures = [service.call_async(srv.PlanGrasp.Request(request=bench.request())) for _ in range(5)]
        bench.wait_until(lambda: sum(future.done() for future in futures) == 3)
        refused = [future.result().plan for future in futures if future.done()]
        assert {plan.code for plan in refused} == {msg.GraspPlan.BUSY}
        go_on.set()
        bench.wait_until(lambda: all(future.done() for future in futures))
        codes = sorted(future.result().plan.code for future in futures)
        assert codes == [SUCCESS] * 2 + [msg.GraspPlan.BUSY] * 3


def test_instructions_are_planned_and_shown_to_late_joiners_too():
    with NodeBench({"num_marker_hands": 2, "num_candidates": 3}) as bench:
        clouds = bench.publisher(PointCloud2, "object_cloud")
        publish_until_planned(bench, lambda: clouds.publish(cloud_from_points(object_points(), bench.header())))
        bench.publisher(String, "instruction", qos_profiles.COMMAND_INPUT).publish(String(data="lift it"))
        plans = bench.listen(msg.GraspPlan, "grasp_planner/grasps")
        bench.wait_until(lambda: bool(plans) and plans[-1].instruction == "lift it")
        assert len(plans[-1].grasps) == 3
        markers = bench.listen(MarkerArray, "grasp_planner/markers")
        contact_maps = bench.listen(msg.ContactMap, "grasp_planner/contact_map")
        contact_clouds = bench.listen(PointCloud2, "grasp_planner/contact_cloud")
        bench.wait_until(lambda: bool(markers and contact_maps and contact_clouds))
        assert contact_maps[-1] == plans[-1].contact_map
        assert 3 * len(points_from_cloud(contact_clouds[-1])) == len(contact_maps[-1].points)
        bench.wait_until(lambda: {marker.id for marker in markers[-1].markers if marker.ns == "hands"} == {0, 1})


def test_an_instruction_that_fails_clears_the_hands_and_shows_why():
    with NodeBench() as bench:
        instructions = bench.publisher(String, "instruction", qos_profiles.COMMAND_INPUT)
        plans = bench.listen(msg.GraspPlan, "grasp_planner/grasps")
        markers = bench.listen(MarkerArray, "grasp_planner/markers")
        instructions.publish(String(data="lift it"))
        bench.wait_until(lambda: bool(plans and markers))
        assert plans[-1].code == msg.GraspPlan.NO_CLOUD
        assert [marker.action for marker in markers[-1].markers] == [Marker.DELETEALL]


def test_a_failure_nobody_foresaw_is_answered_too():
    with NodeBench() as bench:

        def break_down():
            raise ZeroDivisionError("by nothing")

        bench.planner.before_planning = break_down
        answer = bench.plan()
        assert answer.code == msg.GraspPlan.INTERNAL_ERROR
        assert "ZeroDivisionError" in answer.message
        bench.planner.before_planning = lambda: None
        assert bench.plan().code == SUCCESS


def test_after_a_failure_nobody_foresaw_the_node_can_be_configured_anew():
    builds = []

    def break_down_once(settings):
        builds.append(settings)
        if len(builds) == 1:
            raise ZeroDivisionError("by nothing")
        return SamplePlanner()

    with NodeBench(planner_builder=break_down_once) as bench:
        assert not bench.started
        refusal = bench.plan()
        assert refusal.code == msg.GraspPlan.MODEL_NOT_READY
        assert "it broke down; see its log" in refusal.message
        assert bench.planner_node.start()
        assert bench.plan().code == SUCCESS


def test_transitions_stop_and_restart_planning():
    with NodeBench() as bench:
        node = bench.planner_node
        node.trigger_deactivate()
        refusal = bench.plan()
        assert refusal.code == msg.GraspPlan.MODEL_NOT_READY
        assert "activate" in refusal.message
        node.trigger_activate()
        assert bench.plan().code == SUCCESS
        node.trigger_deactivate()
        node.trigger_cleanup()
        assert bench.plan().code == msg.GraspPlan.MODEL_NOT_READY
        node.trigger_configure()
        node.trigger_activate()
        assert bench.plan().code == SUCCESS


@pytest.mark.parametrize(
    ("content", "code_name"), [(None, "CHECKPOINT_MISSING"), (b"not a checkpoint at all", "CHECKPOINT_FORMAT")]
)
def test_requests_are_answered_with_the_reason_until_there_is_a_usable_checkpoint(tmp_path, content, code_name):
    checkpoint = tmp_path / "model.safetensors"
    if content is not None:
        checkpoint.write_bytes(content)
    with NodeBench({"checkpoint": str(checkpoint)}, planner_builder=build_planner) as bench:
        assert not bench.started
        refusal = bench.plan()
        assert refusal.code == getattr(msg.GraspPlan, code_name)
        assert str(checkpoint) in refusal.message
        node = bench.planner_node
        node.set_parameters([Parameter("checkpoint", value="")])
        assert node.start()
        assert bench.plan().code in (SUCCESS, msg.GraspPlan.NO_FEASIBLE_GRASP)


def test_diagnostics_tell_readiness_and_count_answers():
    with NodeBench({"diagnostics_period": 0.1}) as bench:
        bench.plan()
        bench.plan(bench.request(instruction=""))
        reports = bench.listen(DiagnosticArray, "/diagnostics", qos_profiles.DIAGNOSTICS_OUTPUT)
        bench.wait_until(lambda: bool(reports))
        planning, inputs = reports[-1].status
        values = {value.key: value.value for value in planning.values}
        assert planning.message == "ready to plan"
        assert (values["plans"], values["refusals"]) == ("1", "1")
        assert values["last error"].startswith(f"{msg.GraspPlan.NO_INSTRUCTION}: ")
        assert (values["model"], values["device"], values["unfinished requests"]) == ("compact.safetensors", "cpu", "0")
        assert 0.0 < float(values["latency p50 [s]"]) <= float(values["latency p95 [s]"])
        assert inputs.message == "0 of 7 topics heard"
        assert {value.key: value.value for value in inputs.values}["/object_cloud"] == "nothing has come"


def test_diagnostics_tell_how_regularly_inputs_come():
    with NodeBench({"diagnostics_period": 0.1, "camera_topics": [""]}) as bench:
        clouds = bench.publisher(PointCloud2, "object_cloud")
        reports = bench.listen(DiagnosticArray, "/diagnostics", qos_profiles.DIAGNOSTICS_OUTPUT)

        def rate_is_known() -> bool:
            clouds.publish(cloud_from_points(object_points(), bench.header()))
            if not reports:
                return False
            (value,) = reports[-1].status[1].values
            return value.value.endswith("s ago") and float(value.value.split(" Hz")[0]) > 0

        bench.wait_until(rate_is_known)
        assert reports[-1].status[1].message == "1 of 1 topics heard"


def test_deactivation_answers_the_running_request_and_the_waiting_one_at_once():
    go_on = threading.Event()
    started = threading.Event()

    def wait_in_planner() -> None:
        started.set()
        assert go_on.wait(PATIENCE_S)

    with NodeBench({"queue_size": 1}) as bench:
        bench.planner.before_planning = wait_in_planner
        service = bench.node.create_client(srv.PlanGrasp, "plan_grasp")
        assert service.wait_for_service(timeout_sec=PATIENCE_S)
        futures = [service.call_async(srv.PlanGrasp.Request(request=bench.request())) for _ in range(2)]
        assert started.wait(PATIENCE_S)
        bench.wait_until(lambda: bench.planner_node.num_unfinished_requests() == 2)
        bench.planner_node.trigger_deactivate()
        bench.wait_until(lambda: all(future.done() for future in futures))
        assert {future.result().plan.code for future in futures} == {msg.GraspPlan.CANCELLED}
        go_on.set()
        bench.planner_node.trigger_activate()
        assert bench.plan().code == SUCCESS


def test_a_node_is_destroyed_without_the_plan_that_takes_too_long():
    go_on, started = threading.Event(), threading.Event()

    def wait_in_planner() -> None:
        started.set()
        go_on.wait()

    with NodeBench() as bench:
        bench.planner.before_planning = wait_in_planner
        service = bench.node.create_client(srv.PlanGrasp, "plan_grasp")
        assert service.wait_for_service(timeout_sec=PATIENCE_S)
        service.call_async(srv.PlanGrasp.Request(request=bench.request()))
        assert started.wait(PATIENCE_S)
        bench.planner_node.stop_planning("it was shut down")
    assert not bench.planner.observations
    go_on.set()


def test_a_model_with_qwen_needs_its_folder_and_plans_with_it(tiny_qwen, tmp_path):
    semantic = QwenSemanticConfig(dtype="float32", view_size=56, lora_rank=4)
    torch.manual_seed(0)
    model = build_grasp_model(dataclasses.replace(DEBUG, semantic=semantic), tiny_qwen)
    save_checkpoint(tmp_path / "model.safetensors", model, {})
    with NodeBench({"checkpoint": str(tmp_path / "model.safetensors")}, planner_builder=build_planner) as bench:
        assert not bench.started
        refusal = bench.plan()
        assert refusal.code == msg.GraspPlan.CHECKPOINT_MISSING
        assert "semantic_model" in refusal.message
        node = bench.planner_node
        node.set_parameters([Parameter("semantic_model", value=str(tiny_qwen))])
        assert node.start()
        assert bench.plan().code in (SUCCESS, msg.GraspPlan.NO_FEASIBLE_GRASP)
