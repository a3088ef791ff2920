import contextlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rosbags.rosbag2.storage_mcap import McapReader
from rosbags.typesys import Stores, get_typestore
from scipy.spatial import KDTree

from funcgrasp_core.assets import DEMO_RECORDING, asset_path
from training.data.object_families import FAMILIES
from training.data.record_demo_scene import (
    CAMERA_DIRECTIONS,
    VOXEL_M,
    fuse_points,
    make_scene,
    take_shots,
    write_recording,
)

SEED = 20_001


@pytest.fixture(scope="module")
def recorded():
    scene = make_scene(SEED)
    return scene, take_shots(scene, np.random.default_rng(SEED))


def test_the_fused_cloud_lies_on_the_exact_mug(recorded):
    scene, shots = recorded
    rotation, position = scene.table_from_object[:3, :3], scene.table_from_object[:3, 3]
    points = torch.from_numpy((fuse_points(shots) - position) @ rotation).float()
    distances = FAMILIES["mug"].signed_distance(points[None], scene.parameters)[0].abs()
    assert len(points) > 5000
    # Depth noise is 1 mm; only rays that graze the surface stray further.
    assert distances.median() < 0.0015
    assert (distances < 0.005).float().mean() > 0.99


def test_the_mug_stands_on_the_table(recorded):
    _, shots = recorded
    heights = fuse_points(shots)[:, 2]
    assert -0.004 < heights.min() < 0.01


def test_every_camera_has_the_mug_in_the_middle_of_its_picture(recorded):
    scene, shots = recorded
    assert list(shots) == list(CAMERA_DIRECTIONS)
    for shot in shots.values():
        pixel, depth = shot.camera.project(scene.table_from_object[:3, 3][None])
        assert np.abs(pixel[0] - shot.camera.principal_point).max() < 20
        assert 0.5 < depth[0] < 0.7
        # The mug covers the centre of the picture, the corner is background.
        assert np.abs(shot.pixels[120, 160].astype(int) - shot.pixels[:20, :20].mean(axis=(0, 1))).max() > 30


def read(path: Path) -> dict[str, Any]:
    """The messages of a recording by topic."""
    typestore, reader = get_typestore(Stores.ROS2_JAZZY), McapReader(path)
    reader.open()
    with contextlib.closing(reader):
        return {
            connection.topic: typestore.deserialize_cdr(data, connection.msgtype)
            for connection, _, data in reader.messages(reader.connections)
        }


def points_of(cloud: Any) -> np.ndarray:
    return cloud.data.view(np.float32).reshape(-1, 3)


def test_the_shipped_recording_is_what_the_script_writes(recorded, tmp_path):
    write_recording(tmp_path / "scene.mcap", *recorded)
    written, shipped = read(tmp_path / "scene.mcap"), read(asset_path(DEMO_RECORDING))
    assert set(written) == set(shipped)
    assert written["/scene_truth"].data == shipped["/scene_truth"].data
    # Ray casting may differ in its last bits from machine to machine, and with it which point stands for a voxel.
    distances, _ = KDTree(points_of(written["/object_cloud"])).query(points_of(shipped["/object_cloud"]))
    assert np.quantile(distances, 0.99) < VOXEL_M
    assert asset_path(DEMO_RECORDING).stat().st_size < 2_000_000
