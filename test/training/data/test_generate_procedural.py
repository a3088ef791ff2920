"""The procedural data set: ids by OakInk's rule, resumable synthesis, frozen grasps, regeneration from them."""

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("open3d", reason="rendering needs open3d")
pytest.importorskip("skimage", reason="meshing needs scikit-image")

from funcgrasp_core import checkpoints
from funcgrasp_core.errors import DatasetError
from training.data import generate_procedural, grasp_synthesis, procedural_dataset
from training.data.frozen_grasps import checksum_file, load_frozen_grasps, save_frozen_grasps
from training.data.functional_parts import INTENT_PARTS, intents_of
from training.data.generate_procedural import main
from training.data.grasp_collection import collect_grasps
from training.data.grasp_synthesis import SynthesisSettings
from training.data.oakink import OakInkShapeDataset
from training.data.oakink_layout import SPLITS, split_of
from training.data.oakink_writer import write_object_names
from training.data.object_families import FAMILIES
from training.data.procedural_dataset import write_procedural_dataset
from training.data.procedural_objects import make_objects, object_ids, read_procedural_objects, split_counts
from training.data.view_rendering import VIEW_YAWS_DEG, views_folder


class CountingSynthesiser:
    """Hands at random places; counts its calls and can fail after some."""

    def __init__(self, fail_after=None):
        self.num_calls, self.fail_after = 0, fail_after

    def __call__(self, family, parameters, intent, num_grasps, seed):
        if self.num_calls == self.fail_after:
            raise KeyboardInterrupt
        self.num_calls += 1
        num_objects = len(next(iter(parameters.values())))
        generator = torch.Generator().manual_seed(seed)
        vectors = torch.randn(num_objects * num_grasps, 61, generator=generator) * 0.1
        return vectors, torch.arange(num_objects).repeat(num_grasps)


@pytest.fixture(scope="module")
def grasps(tmp_path_factory):
    folder = tmp_path_factory.mktemp("synthesis")
    return collect_grasps(make_objects(3, seed=1), 2, 1, folder, CountingSynthesiser(), "s", show_progress=False)


def file_bytes(root):
    return {path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_ids_fall_into_the_wanted_splits():
    assert split_counts(100) == {"train": 80, "val": 10, "test": 10}
    assert split_counts(3) == {"train": 1, "val": 1, "test": 1}
    every_id = [object_id for category in FAMILIES for split in SPLITS for object_id in object_ids(category, split, 20)]
    assert len(set(every_id)) == len(every_id)
    assert {len(object_id) for object_id in every_id} == {6}
    assert all(split_of(object_id) == "test" for object_id in object_ids("mug", "test", 20))
    with pytest.raises(DatasetError, match="at least 3"):
        split_counts(2)


def test_a_shape_depends_on_id_and_seed_only():
    few, many = make_objects(3, seed=1), make_objects(20, seed=1)
    by_id = {item.object_id: item for item in many}
    assert all(
        torch.equal(value, by_id[item.object_id].parameters[name])
        for item in few
        for name, value in item.parameters.items()
    )
    other = make_objects(3, seed=2)[0]
    assert not torch.equal(other.parameters["height"], few[0].parameters["height"])


def test_every_intent_of_every_object_has_its_grasps(grasps):
    for index, item in enumerate(grasps.objects):
        found = {intent: len(vectors) for intent, vectors in grasps.grasps_of(index)}
        assert found == dict.fromkeys(intents_of(item.category), 2)
    assert len(grasps.vectors) == 3 * len(INTENT_PARTS) * 2


def test_interrupted_synthesis_continues(tmp_path, grasps):
    objects = make_objects(3, seed=1)
    with pytest.raises(KeyboardInterrupt):
        collect_grasps(objects, 2, 1, tmp_path, CountingSynthesiser(fail_after=4), "s", show_progress=False)
    second = CountingSynthesiser()
    continued = collect_grasps(objects, 2, 1, tmp_path, second, "s", show_progress=False)
    assert second.num_calls == len(INTENT_PARTS) - 4
    assert torch.equal(continued.vectors, grasps.vectors)
    assert torch.equal(continued.object_indices, grasps.object_indices)


def test_finished_chunks_of_other_shapes_or_settings_are_not_used(tmp_path):
    def num_calls(objects, settings):
        synthesiser = CountingSynthesiser()
        collect_grasps(objects, 2, 1, tmp_path, synthesiser, settings, show_progress=False)
        return synthesiser.num_calls

    objects = make_objects(3, seed=1)
    assert num_calls(objects, "s") == len(INTENT_PARTS)
    assert num_calls(objects, "s") == 0
    assert num_calls(objects, "other settings") == len(INTENT_PARTS)
    other_shape = {**objects[0].parameters, "height": objects[0].parameters["height"] * 1.01}
    objects[0] = dataclasses.replace(objects[0], parameters=other_shape)
    assert num_calls(objects, "s") == len(intents_of(objects[0].category))


def test_settings_digest_follows_settings_and_hand(monkeypatch):
    digest = generate_procedural.settings_digest()
    assert generate_procedural.settings_digest() == digest
    monkeypatch.setattr(grasp_synthesis, "SynthesisSettings", lambda: SynthesisSettings(max_rounds=9))
    assert generate_procedural.settings_digest() != digest
    monkeypatch.undo()
    monkeypatch.setattr(checkpoints, "reference_hand_digest", lambda: "another hand")
    assert generate_procedural.settings_digest() != digest


def test_frozen_grasps_come_back_unchanged(tmp_path, grasps):
    path = tmp_path / "frozen.safetensors"
    save_frozen_grasps(grasps, path)
    first_bytes = path.read_bytes()
    loaded = load_frozen_grasps(path)
    assert torch.equal(loaded.vectors, grasps.vectors)
    assert [item.object_id for item in loaded.objects] == [item.object_id for item in grasps.objects]
    for mine, theirs in zip(loaded.objects, grasps.objects, strict=True):
        assert mine.category == theirs.category
        assert list(mine.parameters) == list(theirs.parameters)
        assert all(torch.equal(mine.parameters[name], theirs.parameters[name]) for name in mine.parameters)
    save_frozen_grasps(loaded, path)
    assert path.read_bytes() == first_bytes


def test_splits_of_frozen_grasps(tmp_path, grasps):
    path = tmp_path / "frozen.safetensors"
    save_frozen_grasps(grasps, path)
    parts = [load_frozen_grasps(path, [split]) for split in SPLITS]
    assert sum(len(part.vectors) for part in parts) == len(grasps.vectors)
    test = parts[SPLITS.index("test")]
    assert {item.split for item in test.objects} == {"test"}
    position = [item.object_id for item in grasps.objects].index(test.objects[1].object_id)
    for (intent, mine), (other_intent, theirs) in zip(test.grasps_of(1), grasps.grasps_of(position), strict=True):
        assert intent == other_intent
        assert torch.equal(mine, theirs)


def test_changed_or_missing_frozen_file_is_refused(tmp_path, grasps):
    path = tmp_path / "frozen.safetensors"
    with pytest.raises(DatasetError, match="missing"):
        load_frozen_grasps(path)
    save_frozen_grasps(grasps, path)
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)
    with pytest.raises(DatasetError, match="SHA-256"):
        load_frozen_grasps(path)
    checksum_file(path).unlink()
    with pytest.raises(DatasetError, match="checksum"):
        load_frozen_grasps(path)


def test_data_set_from_frozen_grasps(tmp_path, grasps, capsys):
    frozen, root = tmp_path / "frozen.safetensors", tmp_path / "shape"
    save_frozen_grasps(grasps, frozen)
    assert main(["--output", str(root), "--split", "test", "--from-frozen", str(frozen)]) == 0
    assert "4 objects, 30 grasps" in capsys.readouterr().out
    dataset = OakInkShapeDataset(root, "test", num_points=64)
    assert len(dataset) == 30
    sample = dataset[0]
    assert sample["object_images"]["front"].shape == (224, 224, 3)
    objects = read_procedural_objects(root)
    for object_id, item in objects.items():
        cloud = torch.from_numpy(dataset.cloud(object_id))[None]
        assert item.family.signed_distance(cloud, item.parameters).abs().max() < 1e-3
        assert all(views_folder(root, object_id, yaw).is_dir() for yaw in VIEW_YAWS_DEG)
    stored = {record.grasp_id: dataset.vector(record) for record in dataset.records}
    expected = load_frozen_grasps(frozen, ["test"]).vectors.numpy()
    assert np.array_equal(np.sort(np.stack(list(stored.values())), axis=0), np.sort(expected, axis=0))

    complete = file_bytes(root)
    item = next(iter(objects.values()))
    shutil.rmtree(root / "renders" / item.object_id / "yaw_030")
    (root / ".finished" / item.object_id).unlink()
    write_procedural_dataset(root, load_frozen_grasps(frozen, ["test"]), show_progress=False)
    assert file_bytes(root) == complete


@pytest.fixture
def without_rendering(monkeypatch):
    """Every object gets one file in place of its views: the number of times that it was written."""
    times = {}

    def store(root, object_id, *_):
        times[object_id] = times.get(object_id, 0) + 1
        (root / "renders" / object_id).mkdir(parents=True)
        (root / "renders" / object_id / "times").write_text(str(times[object_id]))

    monkeypatch.setattr(procedural_dataset, "store_views", store)
    return times


def test_splits_written_one_after_the_other_are_as_if_written_at_once(tmp_path, grasps, without_rendering):
    for split in ("test", "val"):
        write_procedural_dataset(tmp_path / "turns", grasps.of_splits([split]), show_progress=False)
    without_rendering.clear()
    write_procedural_dataset(tmp_path / "once", grasps.of_splits(["val", "test"]), show_progress=False)
    turns, once = file_bytes(tmp_path / "turns"), file_bytes(tmp_path / "once")
    shapes = [json.loads(files.pop(Path("procedural_objects.json"))) for files in (turns, once)]
    assert shapes[0] == shapes[1]
    assert turns == once
    assert {len(OakInkShapeDataset(tmp_path / "turns", split)) for split in ("test", "val")} == {30}


def test_changed_objects_are_written_anew_and_others_kept(tmp_path, grasps, without_rendering):
    grasps = grasps.of_splits(["test"])
    write_procedural_dataset(tmp_path, grasps, show_progress=False)
    write_procedural_dataset(tmp_path, grasps, show_progress=False)
    assert set(without_rendering.values()) == {1}

    fewer = grasps.object_indices != 0
    fewer[0] = True
    one_left = dataclasses.replace(
        grasps,
        vectors=grasps.vectors[fewer],
        object_indices=grasps.object_indices[fewer],
        intent_indices=grasps.intent_indices[fewer],
    )
    write_procedural_dataset(tmp_path, one_left, show_progress=False)
    first, second = grasps.objects[:2]
    assert without_rendering == {item.object_id: 1 + (item is first) for item in grasps.objects}
    assert len(list((tmp_path / "oakink_shape_v2" / first.category / first.object_id).iterdir())) == 1

    old_cloud = (tmp_path / "clouds" / f"{second.object_id}.npy").read_bytes()
    name, value = next(iter(second.parameters.items()))
    reshaped = dataclasses.replace(second, parameters={**second.parameters, name: value * 1.02})
    objects = tuple(reshaped if item is second else item for item in grasps.objects)
    write_procedural_dataset(tmp_path, dataclasses.replace(one_left, objects=objects), show_progress=False)
    assert without_rendering[second.object_id] == 2
    assert (tmp_path / "clouds" / f"{second.object_id}.npy").read_bytes() != old_cloud
    stored = read_procedural_objects(tmp_path)[second.object_id]
    assert torch.equal(stored.parameters[name], reshaped.parameters[name])


def test_an_id_with_another_name_is_refused(tmp_path, grasps, without_rendering):
    item = grasps.objects[0]
    write_object_names(tmp_path, {item.object_id: "teapot"})
    with pytest.raises(DatasetError, match=f"knows object {item.object_id} as 'teapot'"):
        write_procedural_dataset(tmp_path, grasps, show_progress=False)
    assert without_rendering == {}


def test_missing_frozen_file_ends_with_a_sentence(tmp_path, capsys):
    assert main(["--output", str(tmp_path / "out"), "--from-frozen", str(tmp_path / "none.safetensors")]) == 2
    assert "none.safetensors" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_the_debug_subset_is_chosen_among_frozen_grasps(tmp_path, grasps, capsys, without_rendering):
    save_frozen_grasps(grasps, tmp_path / "grasps.safetensors")
    options = ["--output", str(tmp_path / "set"), "--debug"]
    assert main([*options, "--from-frozen", str(tmp_path / "grasps.safetensors")]) == 0
    assert capsys.readouterr().out.startswith(f"{len(grasps.debug_subset().objects)} objects")
    with pytest.raises(SystemExit):
        main(options)
    assert "--from-frozen" in capsys.readouterr().err
