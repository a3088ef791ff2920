import pytest
import torch

from funcgrasp_core.errors import DatasetError
from funcgrasp_core.grasp_model.sample_random import SampleRandom
from training.ablation.packed_stores import check_sizes, only_objects, open_packed_store, pack_stores, packed_digest
from training.data.augmentation import AugmentationConfig
from training.data.block_cache import BlockCache


def draw(store):
    phrasing = lambda group: (f"{group.intent} the {group.category} {group.keeps_to_parts}",)  # noqa: E731
    return store.draw([0, 2], 2, 128, 64, AugmentationConfig(), phrasing, SampleRandom([1, 2]))


def test_what_is_packed_comes_back_and_distances_are_kept(tmp_path, store, layer):
    path, cache = tmp_path / "data.safetensors", BlockCache(tmp_path / "cache")
    pack_stores(path, {"val": store})
    for computed in (1, 0):
        fresh = BlockCache(cache.folder)
        opened = open_packed_store(path, "val", fresh, layer)
        assert fresh.num_computed == computed
        assert opened.object_ids == store.object_ids
        first, second = draw(store), draw(opened)
        assert first.texts == second.texts
        assert torch.equal(first.points, second.points)
        assert torch.equal(first.vectors, second.vectors)
        assert torch.equal(first.views.images, second.views.images)
        assert torch.equal(first.contact_distances, second.contact_distances)


def test_joints_are_farther_away_than_vertices(tmp_path, store, layer):
    path, cache = tmp_path / "data.safetensors", BlockCache(tmp_path / "cache")
    pack_stores(path, {"val": store})
    vertices = open_packed_store(path, "val", cache, layer)
    joints = open_packed_store(path, "val", cache, layer, "joints")
    assert float(joints.distances.float().amin(dim=(1, 2)).mean()) > float(
        vertices.distances.float().amin(dim=(1, 2)).mean()
    )


def test_digest_follows_the_content(tmp_path, store):
    pack_stores(tmp_path / "a", {"val": store})
    pack_stores(tmp_path / "b", {"val": store})
    pack_stores(tmp_path / "c", {"train": store})
    assert packed_digest(tmp_path / "a") == packed_digest(tmp_path / "b") != packed_digest(tmp_path / "c")


def test_some_objects_keep_their_own_grasps(store):
    wanted = [1, 3]
    part = only_objects(store, wanted)
    assert {group.object_index for group in part.groups} == set(wanted)
    assert part.num_grasps == sum(len(group.grasp_indices) for group in part.groups)
    whole = [group for group in store.groups if group.object_index in wanted]
    for mine, known in zip(part.groups, whole, strict=True):
        assert torch.equal(part.vectors[mine.grasp_indices], store.vectors[known.grasp_indices])
        assert torch.equal(part.distances[mine.grasp_indices], store.distances[known.grasp_indices])


def test_unknown_objects_are_refused(store):
    with pytest.raises(DatasetError, match="choose others"):
        only_objects(store, [99])


@pytest.mark.parametrize("content", [b"nothing", None])
def test_other_files_are_refused(tmp_path, layer, content):
    path = tmp_path / "data.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DatasetError, match="pack the data again"):
        open_packed_store(path, "val", BlockCache(tmp_path), layer)
    with pytest.raises(DatasetError, match="pack the data again"):
        packed_digest(path)


def test_missing_split_is_named(tmp_path, store, layer):
    pack_stores(tmp_path / "data", {"val": store})
    with pytest.raises(DatasetError, match="expected format 2 and split train"):
        open_packed_store(tmp_path / "data", "train", BlockCache(tmp_path), layer)


def test_data_packed_for_another_model_is_refused(tmp_path, store):
    pack_stores(tmp_path / "data", {"train": store})
    check_sizes(tmp_path / "data", num_points=128, view_size=16)
    with pytest.raises(DatasetError, match="clouds of 256 points and pictures of 16 pixels, expected 512 and 16"):
        check_sizes(tmp_path / "data", num_points=256, view_size=16)
    with pytest.raises(DatasetError, match="expected 256 and 32"):
        check_sizes(tmp_path / "data", num_points=128, view_size=32)
