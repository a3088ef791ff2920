"""Samples of every reader are made alike."""

import numpy as np
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


def sample_of(oakink, **settings):
    dataset = OakInkShapeDataset(oakink, "train", num_points=256, views_required=False)
    return grasp_sample(dataset, dataset.records[1], SampleSettings(256, **settings), np.random.default_rng(5))


def test_a_recorded_grasp_says_that_it_is_none_of_a_robot(oakink):
    sample = sample_of(oakink)
    assert (sample["source"], sample["is_retargeted"], sample["fingertip_residual_m"]) == ("procedural", False, 0.0)
    assert not is_retargeted(OakInkShapeDataset(oakink, "train", views_required=False).records[1])


def test_points_and_hand_turn_together(oakink):
    still, turned = sample_of(oakink, origin="mesh"), sample_of(oakink, origin="mesh", yaw_deg=90)
    quarter = torch.tensor([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    torch.testing.assert_close(turned["obj_points"], still["obj_points"] @ quarter.T, atol=1e-6, rtol=0)
    torch.testing.assert_close(turned["mano_trans"], quarter @ still["mano_trans"], atol=1e-6, rtol=0)
    torch.testing.assert_close(turned["per_finger_distances"], still["per_finger_distances"], atol=1e-5, rtol=0)
    assert turned["instruction"] == still["instruction"]


def test_the_origin_is_the_box_of_what_is_seen_or_of_the_mesh(oakink):
    seen, whole = sample_of(oakink, origin="cloud"), sample_of(oakink, origin="mesh")
    points = seen["obj_points"]
    torch.testing.assert_close(points.amin(0), -points.amax(0), atol=1e-6, rtol=0)
    shift = whole["obj_points"][0] - points[0]
    assert float(shift.norm()) > 1e-5
    torch.testing.assert_close(whole["mano_trans"] - seen["mano_trans"], shift, atol=1e-6, rtol=0)


@pytest.mark.parametrize(("changes", "message"), [({"num_points": 0}, "at least 1"), ({"origin": "wrist"}, "'wrist'")])
def test_wrong_settings_are_refused(changes, message):
    with pytest.raises(ConfigurationError, match=message):
        SampleSettings(**changes)
