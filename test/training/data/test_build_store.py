"""Stores are read back from what an earlier run computed, and nothing stale is ever read."""

import dataclasses
import math
import os
import pickle
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from small_oakink import phrasing, write_small_oakink

from funcgrasp_core.contracts import INTENTS
from funcgrasp_core.errors import ConfigurationError, DatasetError
from funcgrasp_core.geometry.contact_field import soft_contact_targets
from funcgrasp_core.grasp_model.sample_random import SampleRandom
from funcgrasp_core.grasp_model.semantic_encoder import ViewImages
from funcgrasp_core.hand.mano_layer import ManoLayer
from funcgrasp_core.preprocessing.object_views import float_views, prepare_views_uint8
from training.data.augmentation import OFF
from training.data.block_cache import CACHE_FOLDER, BlockCache
from training.data.build_store import StoreSettings, build_store
from training.data.grasp_distances import GraspDistances
from training.data.oakink import CLOUDS_FOLDER, OakInkShapeDataset
from training.data.observation_store import ObservationStore
from training.data.view_rendering import VIEW_YAWS_DEG, views_folder

SETTINGS = StoreSettings(view_size=8, num_points=64, distance_type="float32")
NUM_OBJECTS, NUM_GRASPS = 3, 12


@pytest.fixture
def root(tmp_path) -> Path:
    write_small_oakink(tmp_path / "shape", NUM_OBJECTS, num_grasps=NUM_GRASPS // NUM_OBJECTS // 2)
    return tmp_path / "shape"


def build(root: Path, settings=SETTINGS, cache: Path | None = None, hand_layer=None) -> tuple[ObservationStore, int]:
    """The store, and how many blocks were computed for it."""
    blocks = BlockCache(cache or root / CACHE_FOLDER)
    return build_store(OakInkShapeDataset(root, "train", hand_layer=hand_layer), settings, blocks), blocks.num_computed


def assert_equal(first: ObservationStore, second: ObservationStore) -> None:
    for name in ("clouds", "orders", "views", "view_mask", "vectors", "distances"):
        for one, other in zip(getattr(first, name), getattr(second, name), strict=True):
            assert torch.equal(one, other), name
    assert [group.intent for group in first.groups] == [group.intent for group in second.groups]


def draw(store: ObservationStore, items, seeds=None, num_grasps=1):
    random = SampleRandom(range(len(items)) if seeds is None else seeds)
    return store.draw(items, num_grasps, 64, 64, OFF, phrasing, random)


def test_a_store_holds_what_the_files_say(root):
    store, _ = build(root)
    dataset = OakInkShapeDataset(root, "train")
    assert (store.num_objects, store.num_grasps, len(store)) == (NUM_OBJECTS, NUM_GRASPS, 2 * NUM_OBJECTS)
    assert {group.intent for group in store.groups} == set(INTENTS[:2])
    records = sorted(dataset.records, key=lambda record: record.object_id)
    layer = ManoLayer()
    object_ids = sorted({record.object_id for record in records})
    labels = GraspDistances(layer)._labels
    for number, record in enumerate(records):
        cloud = torch.from_numpy(dataset.cloud(record.object_id)[:128])
        vector = torch.from_numpy(dataset.vector(record))
        assert torch.equal(store.vectors[number], vector)
        vertices = layer.from_vector(vector[None]).vertices[0]
        nearest = [(cloud[:, None] - vertices[labels == part]).norm(dim=-1).amin(1) for part in range(6)]
        assert torch.allclose(store.distances[number], torch.stack(nearest, -1), atol=1e-6)
        group = next(group for group in store.groups if number in group.grasp_indices)
        assert object_ids[group.object_index] == record.object_id
        assert (group.category, group.intent) == (record.category, record.source.intent)
    for number, object_id in enumerate(object_ids):
        for place, yaw_deg in enumerate(VIEW_YAWS_DEG):
            images, _ = prepare_views_uint8(dataset.views(object_id, yaw_deg), 8)
            assert np.array_equal(store.views[number][place].numpy(), images)
        assert all(sorted(order.tolist()) == list(range(128)) for order in store.orders[number])


def test_a_second_start_computes_nothing_and_maps_the_files(root):
    first, num_computed = build(root)
    assert num_computed == 3 * NUM_OBJECTS
    second, num_computed = build(root)
    assert num_computed == 0
    assert_equal(first, second)
    maps = Path("/proc/self/maps").read_text()
    assert all(str(path) in maps for path in (root / CACHE_FOLDER / "distances").iterdir())


def change_grasp(root: Path) -> None:
    path = sorted(root.glob("oakink_shape_v2/*/*/*/hand_param.pkl"))[0]
    hand = pickle.loads(path.read_bytes())
    path.write_bytes(pickle.dumps(hand | {"tsl": hand["tsl"] + np.float32(0.001)}))


def change_cloud(root: Path) -> None:
    path = sorted((root / CLOUDS_FOLDER).iterdir())[0]
    np.save(path, np.load(path) * np.float32(1.01))


def change_picture(root: Path) -> None:
    path = views_folder(root, sorted((root / CLOUDS_FOLDER).iterdir())[0].stem, 30) / "top.png"
    path.write_bytes((path.parent / "front.png").read_bytes())


def touch_everything(root: Path) -> None:
    for path in root.rglob("*.p*"):
        os.utime(path, (1, 1))


def cut_block_short(root: Path) -> None:
    path = next((root / CACHE_FOLDER / "distances").iterdir())
    path.write_bytes(path.read_bytes()[:-10])


@pytest.mark.parametrize(
    ("change", "num_computed"),
    [(change_grasp, 1), (change_cloud, 2), (change_picture, 1), (touch_everything, 0), (cut_block_short, 1)],
)
def test_a_change_invalidates_exactly_what_depends_on_it(root, tmp_path, change, num_computed):
    build(root)
    change(root)
    changed, computed = build(root)
    assert computed == num_computed
    assert_equal(changed, build(root, cache=tmp_path / "afresh")[0])


@pytest.mark.parametrize(
    ("changes", "num_computed"),
    [
        ({"distance_source": "joints"}, NUM_OBJECTS),
        ({"distance_type": "float16"}, NUM_OBJECTS),
        ({"num_points": 32}, 2 * NUM_OBJECTS),
        ({"view_size": 6}, NUM_OBJECTS),
        ({"origin": "mesh"}, 0),
        ({"keep_pictures": False}, 0),
    ],
)
def test_each_setting_has_blocks_of_its_own(root, changes, num_computed):
    build(root)
    settings = dataclasses.replace(SETTINGS, **changes)
    assert build(root, settings)[1] == num_computed
    assert build(root, SETTINGS)[1] == 0


def test_another_hand_has_other_distances(root):
    first, _ = build(root)
    assets = ManoLayer().assets
    larger = ManoLayer(dataclasses.replace(assets, v_template=assets.v_template * 1.1))
    second, computed = build(root, hand_layer=larger)
    assert computed == NUM_OBJECTS
    assert not torch.equal(first.distances[0], second.distances[0])


def test_pictures_read_on_demand_are_the_kept_ones(root):
    kept, _ = build(root)
    read, _ = build(root, dataclasses.replace(SETTINGS, keep_pictures=False), root.parent / "other")
    assert_equal(kept, read)
    assert not (root.parent / "other" / "views").exists()


def test_a_cache_elsewhere_leaves_the_data_set_untouched(root, tmp_path):
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    build(root, cache=tmp_path / "elsewhere")
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before


def test_a_cache_that_cannot_be_written_says_what_to_do(root, tmp_path):
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(DatasetError, match="--cache"):
        build(root, cache=tmp_path / "file")


def test_a_killed_build_goes_on_where_it_was(tmp_path):
    root, cache = tmp_path / "shape", tmp_path / "cache"
    write_small_oakink(root, num_objects=12, num_grasps=20)
    process = subprocess.Popen([sys.executable, __file__, str(root), str(cache)], env=os.environ | {"PYTHONPATH": "."})
    deadline = time.monotonic() + 100
    while len(list(cache.glob("distances/*.safetensors"))) < 2:
        assert process.poll() is None, "the build ended by itself"
        assert time.monotonic() < deadline, "nothing was written"
        time.sleep(0.002)
    process.kill()
    process.wait()
    num_finished = len(list(cache.glob("*/*.safetensors")))
    assert num_finished < 36
    resumed, computed = build(root, cache=cache)
    assert computed == 36 - num_finished
    assert_equal(resumed, build(root, cache=tmp_path / "whole")[0])


def test_soft_targets_of_the_cache_are_those_computed_afresh(root):
    """For several length scales: distances are what is kept, since tau may follow a schedule."""
    exact, _ = build(root)
    rounded, _ = build(root, dataclasses.replace(SETTINGS, distance_type="float16"))
    items = list(range(NUM_GRASPS))
    layer = ManoLayer()
    for tau in (0.005, 0.010, 0.030):
        batch = draw(exact.by_grasp(), items)
        afresh = GraspDistances(layer)(batch.points, batch.vectors[:, 0])[:, None]
        assert torch.allclose(batch.soft_targets(tau), soft_contact_targets(afresh, tau), atol=2e-4)
        stored = torch.stack([exact.distances[item] for item in items])
        clouds = torch.stack([exact.clouds[item // 4] for item in items])
        for start in range(0, NUM_GRASPS, 4):  # as they were computed: products of other sizes round otherwise
            some = slice(start, start + 4)
            again = GraspDistances(layer)(clouds[some], exact.vectors[some])
            assert torch.equal(soft_contact_targets(stored[some], tau), soft_contact_targets(again, tau))
        halved = torch.stack([rounded.distances[item].float() for item in items])
        error = (soft_contact_targets(halved, tau) - soft_contact_targets(stored, tau)).abs().max()
        assert 0 < float(error) < 2**-11 / math.e + 1e-7, "half a unit of float16, where d exp(-d) is largest"


def test_items_are_grasps_or_groups(root):
    store, _ = build(root)
    single = store.by_grasp()
    assert (len(store), len(single)) == (2 * NUM_OBJECTS, NUM_GRASPS)
    assert [int(group.grasp_indices) for group in single.groups] == list(range(NUM_GRASPS))
    for group in store.groups:
        for grasp in group.grasp_indices.tolist():
            one = single.groups[grasp]
            assert (one.object_index, one.category, one.intent) == (group.object_index, group.category, group.intent)
    batch = draw(dataclasses.replace(single, origin="mesh"), [5, 0])
    assert torch.equal(batch.vectors[:, 0], store.vectors[[5, 0]])
    assert single.by_grasp().groups[3].intent == single.groups[3].intent


def test_the_origin_is_the_box_of_the_seen_points_or_of_the_mesh(root):
    store, _ = build(root)
    of_mesh, of_cloud = draw(dataclasses.replace(store, origin="mesh"), [0]), draw(store, [0])
    centre = (of_mesh.points.amax(1) + of_mesh.points.amin(1)) / 2
    assert float(centre.abs().max()) > 1e-4
    assert torch.allclose(of_cloud.points, of_mesh.points - centre[:, None], atol=1e-7)
    assert torch.allclose(of_cloud.vectors[..., 58:], of_mesh.vectors[..., 58:] - centre[:, None], atol=1e-7)
    assert torch.equal(of_cloud.contact_distances, of_mesh.contact_distances)
    assert build(root, dataclasses.replace(SETTINGS, origin="mesh"))[0].origin == "mesh"


def test_turned_views_show_the_turned_object(root):
    store, _ = build(root)
    turned = dataclasses.replace(OFF, random_yaw=True)
    batch = store.draw([0] * 40, 1, 64, 64, turned, phrasing, SampleRandom(range(40)))
    assert isinstance(batch.views, ViewImages)
    known = {float_views(store.views[0][yaw])[slot].numpy().tobytes() for yaw in range(3) for slot in range(4)}
    assert {image.numpy().tobytes() for sample in batch.views.images for image in sample[:4]} == known


@pytest.mark.parametrize(
    ("field", "value"), [("origin", "box"), ("distance_source", "bones"), ("distance_type", "int8"), ("num_points", 0)]
)
def test_unknown_settings_are_refused(root, field, value):
    with pytest.raises(ConfigurationError, match=field):
        build(root, dataclasses.replace(SETTINGS, **{field: value}))


if __name__ == "__main__":
    build(Path(sys.argv[1]), cache=Path(sys.argv[2]))
