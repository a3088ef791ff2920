"""Every field of what is read of a data set, and of what its store keeps, does something."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from config_fields import field_paths
from small_oakink import phrasing, write_small_oakink

pytest.importorskip("trimesh", reason="reading meshes needs trimesh")

from funcgrasp_core.errors import DatasetError
from funcgrasp_core.grasp_model.sample_random import SampleRandom
from funcgrasp_core.grasp_model.semantic_encoder import ViewImages
from training.data.augmentation import OFF
from training.data.block_cache import BlockCache
from training.data.build_store import StoreSettings, build_store
from training.data.grasp_sample import SampleSettings, grasp_sample
from training.data.oakink import OakInkShapeDataset
from training.data.oakink_index import find_grasps
from training.data.oakink_reading import OakInkReading

READ = OakInkReading(with_virtual=True, handover="all", on_broken="skip")
READING_CHANGES: dict[str, Any] = {
    "categories": ("mug",),
    "intents": ("use",),
    "with_virtual": False,
    "virtual_split": "real",
    "handover": "givers",
    "mesh_folder": "align_ds",
    "up_axis": "y",
}

KEPT = StoreSettings(view_size=8, num_points=64)
STORE_CHANGES: dict[str, Any] = {
    "view_size": 16,
    "num_points": 32,
    "origin": "mesh",
    "distance_source": "joints",
    "distance_type": "float32",
    "keep_pictures": False,
}

SAMPLE_CHANGES: dict[str, Any] = {"num_points": 512, "origin": "mesh", "yaw_deg": 30}


@pytest.fixture
def tree(example_copy):
    """With one broken file."""
    find_grasps(example_copy, "train")[0].hand_file.write_bytes(b"no pickle")
    return example_copy


def everything_read(root: Path, reading: OakInkReading) -> list[Any]:
    """Which grasps, the first one's hand, and its object's mesh."""
    dataset = OakInkShapeDataset(root, "train", views_required=False, reading=reading)
    first = dataset.records[0]
    vertices, faces = dataset.mesh(first.object_id)
    names = [(record.object_id, record.grasp_id) for record in dataset.records]
    return [names, dataset.vector(first).tolist(), np.asarray(vertices).tolist(), np.asarray(faces).tolist()]


def test_every_field_of_a_reading_has_a_changed_value():
    assert set(field_paths(OakInkReading)) == set(READING_CHANGES) | {"on_broken"}


@pytest.mark.parametrize("name", READING_CHANGES)
def test_a_changed_reading_reads_something_else(name, tree):
    usual, same = everything_read(tree, READ), everything_read(tree, dataclasses.replace(READ))
    assert usual == same
    assert everything_read(tree, dataclasses.replace(READ, **{name: READING_CHANGES[name]})) != usual


def test_broken_files_end_the_reading_unless_they_are_skipped(tree):
    assert len(everything_read(tree, READ)[0]) > 1
    with pytest.raises(DatasetError, match="is no pickle"):
        everything_read(tree, dataclasses.replace(READ, on_broken="refuse"))


@pytest.fixture
def small(tmp_path):
    write_small_oakink(tmp_path / "shape", num_objects=1)
    return tmp_path / "shape"


def left_by_store(root: Path, settings: StoreSettings, cache: Path) -> list[Any]:
    """What a batch holds, to the byte, where it lies on disk and how distances are stored."""
    store = build_store(OakInkShapeDataset(root, "train"), settings, BlockCache(cache))
    batch = store.draw([0], 1, settings.num_points, settings.num_points, OFF, phrasing, SampleRandom([0]))
    assert isinstance(batch.views, ViewImages)
    tensors = (batch.points, batch.views.images, batch.vectors, batch.contact_distances)
    kinds = sorted(path.name for path in cache.iterdir())
    return [[(tuple(t.shape), t.tolist()) for t in tensors], kinds, store.distances[0].dtype]


def test_every_field_of_a_store_has_a_changed_value():
    assert set(field_paths(StoreSettings)) == set(STORE_CHANGES)


@pytest.mark.parametrize("name", STORE_CHANGES)
def test_a_changed_store_holds_something_else(name, small, tmp_path):
    usual = left_by_store(small, KEPT, tmp_path / "usual")
    assert usual == left_by_store(small, dataclasses.replace(KEPT), tmp_path / "again")
    changed = dataclasses.replace(KEPT, **{name: STORE_CHANGES[name]})
    assert left_by_store(small, changed, tmp_path / "changed") != usual


def test_every_field_of_a_sample_has_a_changed_value():
    assert set(field_paths(SampleSettings)) == set(SAMPLE_CHANGES)


@pytest.mark.parametrize("name", SAMPLE_CHANGES)
def test_changed_settings_make_another_sample(name, small):
    def points(settings: SampleSettings) -> torch.Tensor:
        dataset = OakInkShapeDataset(small, "train")
        return grasp_sample(dataset, dataset.records[0], settings, np.random.default_rng(0))["obj_points"]

    usual, changed = points(SampleSettings()), points(SampleSettings(**{name: SAMPLE_CHANGES[name]}))
    assert torch.equal(usual, points(SampleSettings()))
    assert usual.shape != changed.shape or not torch.equal(usual, changed)
