import pytest

from funcgrasp_core.assets import DEMO_RECORDING, asset_path
from funcgrasp_core.errors import InvalidFileError
from funcgrasp_ros.recorded_scene import TRUTH_TOPIC, read_recording


def test_the_shipped_scene_has_cloud_transforms_truth_and_five_cameras():
    messages = read_recording(asset_path(DEMO_RECORDING))
    types = {message.topic: message.message_type for message in messages}
    assert len(messages) == len(types)
    cameras = {f"/camera_{index}/{topic}" for index in range(5) for topic in ("image", "camera_info")}
    assert set(types) == {"/object_cloud", "/tf_static", TRUTH_TOPIC} | cameras
    assert types["/object_cloud"] == "sensor_msgs/msg/PointCloud2"
    assert types["/camera_0/image"] == "sensor_msgs/msg/Image"


@pytest.mark.parametrize("content", [None, b"", b"no recording at all", b"\x89MCAP0\r\n"])
def test_what_is_no_recording_is_refused_by_name(tmp_path, content):
    path = tmp_path / "scene.mcap"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InvalidFileError, match=r"scene\.mcap"):
        read_recording(path)
