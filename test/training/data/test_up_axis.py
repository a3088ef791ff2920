"""Meshes of any up axis stand upright in the planning frame, with their hands and views."""

import json

import numpy as np
import pytest
import torch

pytest.importorskip("trimesh", reason="reading meshes needs trimesh")

from funcgrasp_core.errors import ConfigurationError, DatasetError
from training.data.oakink import OakInkShapeDataset
from training.data.oakink_index import read_hand_vector
from training.data.oakink_reading import OakInkReading
from training.data.object_settings import ObjectSettings, choose_object_settings, write_object_settings
from training.data.up_axis import UP_AXES, turn_to_z_up
from training.data.upright_axis import upright_axis, vote_for_up_axis

AXIS = {"x": (1, 0, 0), "-x": (-1, 0, 0), "y": (0, 1, 0), "-y": (0, -1, 0), "z": (0, 0, 1), "-z": (0, 0, -1)}


@pytest.mark.parametrize("up_axis", UP_AXES)
def test_the_turn_brings_the_axis_up(up_axis):
    turn = turn_to_z_up(up_axis)
    assert np.array_equal(turn @ AXIS[up_axis], (0, 0, 1))
    assert np.array_equal(turn @ turn.T, np.eye(3))
    assert np.linalg.det(turn) == pytest.approx(1)


def test_an_unknown_axis_is_refused():
    with pytest.raises(ConfigurationError, match="not 'up'"):
        turn_to_z_up("up")
    with pytest.raises(ConfigurationError, match="up_axis"):
        OakInkReading(up_axis="w")  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("up_axis", ["y", "-x"])
def test_object_and_hand_turn_together(example_tree, up_axis):
    as_stored = OakInkShapeDataset(example_tree, "train", views_required=False, origin="mesh")
    turned = OakInkShapeDataset(
        example_tree, "train", views_required=False, origin="mesh", reading=OakInkReading(up_axis=up_axis)
    )
    turn = torch.from_numpy(turn_to_z_up(up_axis))
    record = as_stored.records[0]
    assert np.array_equal(as_stored.vector(record), read_hand_vector(record.hand_file))

    def everything(dataset):
        sample = dataset[0]
        vector = torch.cat([sample["mano_pose"], sample["mano_shape"], sample["mano_trans"]])
        hand = dataset.hand_layer.from_vector(vector[None]).vertices[0]
        return torch.cat([hand, sample["obj_points"]]), sample["per_finger_distances"]

    (before, distances), (after, turned_distances) = everything(as_stored), everything(turned)
    torch.testing.assert_close(after, before @ turn.T, atol=1e-6, rtol=0)
    torch.testing.assert_close(turned_distances, distances, atol=1e-6, rtol=0)
    vertices, faces = as_stored.mesh(record.object_id)
    turned_vertices, turned_faces = turned.mesh(record.object_id)
    assert np.array_equal(turned_vertices, vertices @ turn_to_z_up(up_axis).T)
    assert np.array_equal(turned_faces, faces)


def test_readers_follow_what_the_views_were_rendered_with(tmp_path):
    assert choose_object_settings(tmp_path, None, None) == ObjectSettings("z", "align")
    assert choose_object_settings(tmp_path, "y", "align_ds") == ObjectSettings("y", "align_ds")
    write_object_settings(tmp_path, ObjectSettings("y", "align_ds"))
    assert choose_object_settings(tmp_path, None, None) == ObjectSettings("y", "align_ds")
    assert choose_object_settings(tmp_path, "y", None) == ObjectSettings("y", "align_ds")
    for asked in (("z", None), (None, "align")):
        with pytest.raises(DatasetError, match="rendered with up axis y from align_ds"):
            choose_object_settings(tmp_path, *asked)


def test_views_without_a_record_show_z_up(tmp_path):
    (tmp_path / "renders" / "MG0001").mkdir(parents=True)
    assert choose_object_settings(tmp_path, None, None) == ObjectSettings("z", "align")
    with pytest.raises(DatasetError, match="up axis z from align, but up axis y"):
        choose_object_settings(tmp_path, "y", None)


@pytest.mark.parametrize("content", ["nonsense", json.dumps({"up": "y"}), json.dumps({"up_axis": "w"})])
def test_a_damaged_record_is_named(tmp_path, content):
    (tmp_path / "renders").mkdir()
    (tmp_path / "renders" / "settings.json").write_text(content)
    with pytest.raises(DatasetError, match=r"settings\.json is damaged"):
        choose_object_settings(tmp_path, None, None)


def cone_frustum(radius_below, radius_above, height=0.1):
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    levels = np.linspace(0, 1, 21)
    radii = radius_below + (radius_above - radius_below) * levels
    return np.concatenate(
        [np.c_[ring * radius, np.full(40, height * level)] for radius, level in zip(radii, levels, strict=True)]
    )


@pytest.mark.parametrize("up_axis", UP_AXES)
def test_round_objects_tell_their_up_axis(up_axis):
    lies_as_stored = turn_to_z_up(up_axis)  # the inverse of a rotation multiplies from the other side
    assert upright_axis(cone_frustum(0.03, 0.07, 0.06) @ lies_as_stored, "bowl") == up_axis
    assert upright_axis(cone_frustum(0.03, 0.012, 0.2) @ lies_as_stored, "bottle") == up_axis


def test_objects_that_do_not_tell():
    assert upright_axis(cone_frustum(0.03, 0.07), "mug") is None
    assert upright_axis(cone_frustum(0.03, 0.05) * [1, 2, 3], "bowl") is None
    assert upright_axis(np.eye(3) - 0.5, "bowl") is None


def test_the_vote():
    assert vote_for_up_axis([None, "y", "z", "y", None]) == ("y", 2, 3)
    assert vote_for_up_axis([None]) is None
