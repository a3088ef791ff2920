import os
import subprocess
import sys
from pathlib import Path

import pytest
import rclpy
from node_bench import NodeBench
from rclpy.parameter import Parameter
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from tf2_msgs.msg import TFMessage

from funcgrasp_core.assets import DEMO_RECORDING, asset_path
from funcgrasp_ros import msg, qos_profiles
from funcgrasp_ros.recorded_scene import read_recording
from funcgrasp_ros.scene_player import ScenePlayer

pytestmark = pytest.mark.ros

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


@pytest.fixture
def bench():
    with NodeBench() as bench:
        player = ScenePlayer(parameter_overrides=[Parameter("rate", value=50.0)])
        bench.executor.add_node(player)
        yield bench
        bench.executor.remove_node(player)
        player.destroy_node()


def test_every_round_is_stamped_anew_and_statics_reach_late_joiners(bench):
    clouds = bench.listen(PointCloud2, "object_cloud", qos_profiles.SENSOR_INPUT)
    images = bench.listen(Image, "camera_3/image", qos_profiles.SENSOR_INPUT)
    infos = bench.listen(CameraInfo, "camera_3/camera_info", qos_profiles.SENSOR_INPUT)
    transforms = bench.listen(TFMessage, "/tf_static", qos_profiles.LATCHED_OUTPUT)
    before = bench.node.get_clock().now()
    bench.wait_until(lambda: len(clouds) > 2 and bool(images and infos and transforms))
    stamps = [cloud.header.stamp.sec * 10**9 + cloud.header.stamp.nanosec for cloud in clouds]
    assert before.nanoseconds - 10**9 < stamps[0] < stamps[1] < stamps[2]
    assert clouds[0].data == clouds[1].data
    (recorded,) = (entry for entry in read_recording(asset_path(DEMO_RECORDING)) if entry.topic == "/object_cloud")
    assert clouds[0].data.tobytes() in recorded.data
    assert len(transforms[0].transforms) == 5


def test_the_planner_sees_five_sides_of_the_mug(bench):
    def five_views() -> bool:
        answer = bench.plan(msg.GraspRequest(instruction="hold it", num_candidates=1))
        return answer.code == msg.GraspPlan.SUCCESS and len(bench.planner.observations[-1].views) == 5

    bench.wait_until(five_views)
    observation = bench.planner.observations[-1]
    assert sorted(observation.views) == ["back", "front", "left", "right", "top"]
    assert observation.frame == "table"
    for view in observation.views.values():
        # The mug fills the picture: its middle differs from the corner, which shows the background.
        size = view.shape[0]
        middle = view[size // 2 - 5 : size // 2 + 5, size // 2 - 5 : size // 2 + 5].mean(axis=(0, 1))
        assert abs(middle - view[:4, :4].mean(axis=(0, 1))).max() > 30
        assert 60 < size < 160


def test_a_missing_recording_is_named_and_the_exit_code_is_2(tmp_path):
    missing = tmp_path / "none.mcap"
    run = subprocess.run(
        [sys.executable, SCRIPTS / "scene_player", "--ros-args", "-p", f"recording:={missing}"],
        capture_output=True,
        text=True,
        env=os.environ,
        timeout=30,
    )
    assert run.returncode == 2
    assert str(missing) in run.stderr
    assert "Traceback" not in run.stderr


def test_rclpy_is_left_clean():
    assert not rclpy.ok()
