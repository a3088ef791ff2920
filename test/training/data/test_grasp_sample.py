"""Samples of every reader are made alike."""

import pytest
import torch

pytest.importorskip("trimesh", reason="reading meshes needs trimesh")

from funcgrasp_core.errors import ConfigurationError
from training.data.frozen_grasps import load_frozen_grasps
from training.data.grasp_reader import is_retargeted
from training.data.grasp_sample import SampleSettings, grasp_sample
from training.data.oakink import OakInkShapeDataset
from training.data.oakink_layout import GraspSource
from training.data.oakink_writer import make_grasp_id, write_grasp, write_object_mesh, write_object_names
from training.data.object_families import mesh_from_parameters


@pytest.fixture(scope="module")
def oakink(tmp_path_factory):
    root = tmp_path_factory.mktemp("shape")
    frozen = load_frozen_grasps(splits=("train",))
    item = frozen.objects[0]
    write_object_names(root, {item.object_id: item.name})
    write_object_mesh(root, item.name, *mesh_from_parameters(item.family, item.parameters, spacing_m=0.005))
    for intent, vectors in frozen.grasps_of(0):
        source = GraspSource("procedural", item.object_id, intent, "0000", "0")
        write_grasp(root, item.category, make_grasp_id(item.object_id, intent, 0), source, vectors[0].numpy())
    return root


@pytest.mark.parametrize(("origin", "yaw_deg"), [("cloud", 0), ("mesh", 0), ("cloud", 30)])
def test_it_is_the_oakink_readers_own_sample_and_its_origin(oakink, origin, yaw_deg):
    import numpy as np

    dataset = OakInkShapeDataset(
        oakink, "train", num_points=256, origin=origin, yaw_deg=yaw_deg, views_required=False, seed=3
    )
    expected = dataset[1]
    settings = SampleSettings(num_points=256, origin=origin, yaw_deg=yaw_deg)
    sample = grasp_sample(dataset, dataset.records[1], settings, np.random.default_rng((3, 0, 1)))
    for key, value in expected.items():
        if isinstance(value, torch.Tensor):
            torch.testing.assert_close(sample[key], value, atol=0, rtol=0)
        else:
            assert sample[key] == value, key
    assert set(sample) - set(expected) == {"source", "is_retargeted", "fingertip_residual_m"}
    assert sample["source"] == "procedural"
    assert sample["is_retargeted"] is False
    assert sample["fingertip_residual_m"] == 0.0
    assert not is_retargeted(dataset.records[1])


@pytest.mark.parametrize(("changes", "message"), [({"num_points": 0}, "at least 1"), ({"origin": "wrist"}, "'wrist'")])
def test_wrong_settings_are_refused(changes, message):
    with pytest.raises(ConfigurationError, match=message):
        SampleSettings(**changes)
