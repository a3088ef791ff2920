"""Data sets by name: what a text means, what is made, and what an error says to do."""

import os
import shutil
import sys
from pathlib import Path

import pytest
import torch
from frozen_encoder import FrozenEncoder
from small_oakink import phrasing, write_small_oakink

from funcgrasp_core.errors import ConfigurationError, DatasetError, MissingDependencyError
from funcgrasp_core.grasp_model.sample_random import SampleRandom
from funcgrasp_core.grasp_model.semantic_encoder import ViewFeatures
from training.data import frozen_grasps
from training.data.augmentation import OFF
from training.data.build_store import StoreSettings
from training.data.data_sets import DEBUG_FOLDER, PROCEDURAL_FOLDER, DataSource, open_store, resolve_data
from training.data.frozen_grasps import load_frozen_grasps
from training.data.group_phrasing import group_phrasing
from training.data.mixed_store import MixedStore
from training.data.oakink_layout import SPLITS
from training.data.observation_store import ObservationStore

SETTINGS = StoreSettings(view_size=8, num_points=64)


@pytest.fixture
def folders(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DATA_ROOT", raising=False)
    write_small_oakink(tmp_path / "first", num_objects=2)
    write_small_oakink(tmp_path / "second" / "shape", num_objects=4, seed=1)
    return tmp_path


def test_a_folder_is_recognised_by_its_layout(folders):
    assert resolve_data("first") == (DataSource("oakink", folders.relative_to(folders) / "first", 1.0),)
    assert resolve_data(str(folders / "second"))[0].root == folders / "second" / "shape"
    store = open_store(resolve_data("first"), "train", SETTINGS)
    assert isinstance(store, ObservationStore)
    assert store.num_objects == 2


def test_a_mixture_has_folders_and_weights(folders):
    sources = resolve_data(f"oakink:first:0.7, oakink:{folders / 'second'}:0.3")
    assert [(source.root.name, source.weight) for source in sources] == [("first", 0.7), ("shape", 0.3)]
    store = open_store(sources, "train", SETTINGS, folders / "cache")
    assert isinstance(store, MixedStore)
    items = store.epoch_items(0, seed=0)
    assert sum(item < len(store.stores[0]) for item in items) / len(items) == pytest.approx(0.7, abs=0.03)
    assert store.draw([0, len(store) - 1], 1, 64, 64, OFF, phrasing, SampleRandom([0, 1])).points.shape == (2, 64, 3)
    assert (folders / "cache").is_dir()
    assert not (folders / "first" / ".cache").exists()


def test_a_frozen_encoder_gets_its_features_from_every_data_set(folders):
    encoder = FrozenEncoder()
    store = open_store(resolve_data("oakink:first:1,oakink:second:1"), "train", SETTINGS, None, None, encoder)
    batch = store.draw([0, len(store) - 1], 1, 64, 64, OFF, phrasing, SampleRandom([0, 1]))
    assert isinstance(batch.views, ViewFeatures)
    assert batch.views.features.shape[:2] == (2, 6)
    kinds = {path.name for path in (folders / "first" / ".cache").iterdir() if path.is_dir()}
    assert kinds == {"clouds", "distances", "view_features"}


def test_the_environment_names_the_data_where_nothing_else_does(folders, monkeypatch):
    monkeypatch.setenv("DATA_ROOT", str(folders / "first"))
    assert resolve_data()[0].root == folders / "first"
    assert resolve_data("second")[0].root.parent.name == "second"


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("nowhere", DatasetError, "procedural"),
        ("oakink:nowhere", DatasetError, "nowhere"),
        ("oakink:first:much", ConfigurationError, "weight"),
        ("oakink:first:-1", ConfigurationError, "weight"),
        ("procedural:0", ConfigurationError, "weight"),
    ],
)
def test_errors_say_what_was_expected(folders, text, error, message):
    with pytest.raises(error, match=message):
        resolve_data(text)


def one_object_each(monkeypatch, splits=("train",)):
    monkeypatch.setattr(frozen_grasps, "DEBUG_OBJECTS", dict.fromkeys(splits, 1))


def test_the_procedural_set_is_made_once_and_completed_after_an_interruption(folders, monkeypatch):
    pytest.importorskip("open3d", reason="rendering needs open3d")
    one_object_each(monkeypatch)
    (source,) = resolve_data("procedural", debug=True)
    assert (source.kind, source.root) == ("oakink", DEBUG_FOLDER)
    written = {path: path.stat().st_mtime_ns for path in DEBUG_FOLDER.rglob("*") if path.is_file()}
    assert resolve_data("procedural:2", debug=True)[0].weight == 2.0
    assert {path: path.stat().st_mtime_ns for path in DEBUG_FOLDER.rglob("*") if path.is_file()} == written
    stamp = sorted((DEBUG_FOLDER / ".finished").iterdir())[0]
    stamp.unlink()
    shutil.rmtree(DEBUG_FOLDER / "renders" / stamp.name)
    resolve_data("procedural", debug=True)
    again = {path: path.stat().st_mtime_ns for path in DEBUG_FOLDER.rglob("*") if path.is_file()}
    assert again.keys() == written.keys()
    changed = {path for path in again if again[path] != written[path]}
    assert {path for path in changed if "renders" in path.parts} == {
        path for path in again if "renders" in path.parts and stamp.name in path.parts
    }
    store = open_store((source,), "train", SETTINGS)
    assert store.num_objects == 4


def test_without_a_renderer_the_error_names_the_command(folders, monkeypatch):
    one_object_each(monkeypatch)
    monkeypatch.setitem(sys.modules, "open3d", None)
    with pytest.raises(MissingDependencyError, match=r"generate_procedural --output data/procedural_debug .* --debug"):
        resolve_data("procedural", debug=True)


def test_a_complete_set_needs_no_renderer(folders, monkeypatch):
    one_object_each(monkeypatch, ())
    monkeypatch.setitem(sys.modules, "open3d", None)
    grasps = load_frozen_grasps().debug_subset()
    assert len(grasps.objects) == 0
    os.makedirs(DEBUG_FOLDER)
    assert resolve_data("procedural", debug=True)[0].root == DEBUG_FOLDER


def test_the_small_set_has_objects_of_every_category_and_split():
    grasps, small = load_frozen_grasps(), load_frozen_grasps().debug_subset()
    kinds = [(item.category, item.split) for item in small.objects]
    assert {category for category, _ in kinds} == {item.category for item in grasps.objects}
    for category in {category for category, _ in kinds}:
        assert [kinds.count((category, split)) for split in SPLITS] == [3, 1, 1]
    assert PROCEDURAL_FOLDER != DEBUG_FOLDER
    first = {item.object_id: item for item in grasps.objects}
    for index, item in enumerate(small.objects):
        whole = list(first).index(item.object_id)
        for (intent, vectors), (other, expected) in zip(small.grasps_of(index), grasps.grasps_of(whole), strict=True):
            assert intent == other
            assert torch.equal(vectors, expected)


@pytest.mark.slow
def test_the_small_set_trains_all_splits(folders):
    pytest.importorskip("open3d", reason="rendering needs open3d")
    sources = resolve_data("procedural", debug=True)
    for split, num_objects in zip(SPLITS, (12, 4, 4), strict=True):
        assert open_store(sources, split, SETTINGS).num_objects == num_objects


@pytest.mark.slow
def test_dexfuncgrasp_and_procedural_objects_are_mixed(folders, monkeypatch):
    pytest.importorskip("open3d", reason="rendering needs open3d")
    pytest.importorskip("trimesh", reason="meshes need trimesh")
    from training.data.dexfuncgrasp.example import write_example_tree
    from training.data.dexfuncgrasp.prepare import main as prepare

    write_example_tree(folders / "dex", ("mug",), 3, 2, mesh_spacing_m=0.006)
    assert resolve_data("dex") == (DataSource("dexfuncgrasp", Path("dex"), 1.0),)
    with pytest.raises(DatasetError, match="dexfuncgrasp"):
        resolve_data("oakink:dex")
    assert prepare(["--data", "dex"]) == 0
    one_object_each(monkeypatch)
    store = open_store(resolve_data("procedural:0.6,dexfuncgrasp:dex:0.4", debug=True), "train", SETTINGS)
    assert isinstance(store, MixedStore)
    items = store.epoch_items(0, seed=0)
    share = sum(item >= len(store.stores[0]) for item in items) / len(items)
    assert share == pytest.approx(0.4, abs=0.05)
    batch = store.draw(range(len(store)), 1, 64, 64, OFF, group_phrasing("train"), SampleRandom(range(len(store))))
    assert torch.isfinite(batch.vectors).all()
