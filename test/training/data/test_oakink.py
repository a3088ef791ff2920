"""The OakInk-Shape layout: what is written is read back, damaged files are named, splits follow the rule."""

import hashlib
import json
import os
import pickle
import shutil

import numpy as np
import pytest
import torch

pytest.importorskip("trimesh", reason="reading meshes needs trimesh")

from funcgrasp_core.contracts import CONTACT_TAU_M, VIEW_SLOTS
from funcgrasp_core.errors import ConfigurationError, DatasetError, InvalidDistancesError
from funcgrasp_core.hand.hand_parts import vertex_part_labels
from training.data.collate import collate_grasps
from training.data.instruction_phrasing import phrases
from training.data.oakink import STORED_CLOUD_SIZE, OakInkShapeDataset
from training.data.oakink_index import (
    find_grasps,
    find_mesh,
    read_centred_mesh,
    read_hand_vector,
    read_object_names,
)
from training.data.oakink_layout import GraspSource, parse_source, split_of
from training.data.oakink_reading import OakInkReading
from training.data.oakink_writer import make_grasp_id, write_grasp, write_object_mesh, write_object_names
from training.data.object_families import mesh_from_parameters
from training.data.procedural_objects import make_objects
from training.data.view_rendering import views_folder


def write_views(root, object_id, yaw_deg=0):
    from PIL import Image

    folder = views_folder(root, object_id, yaw_deg)
    folder.mkdir(parents=True)
    for index, slot in enumerate(VIEW_SLOTS):
        Image.fromarray(np.full((8, 8, 3), 30 * index, dtype=np.uint8)).save(folder / f"{slot}.png")


def random_vector(generator):
    vector = generator.normal(size=61).astype(np.float32) * 0.2
    vector[58:] = generator.normal(size=3) * 0.05
    return vector


def write_dataset(root, num_grasps=2):
    generator = np.random.default_rng(0)
    objects = [item for item in make_objects(3, seed=4) if item.category in ("mug", "bowl")]
    write_object_names(root, {item.object_id: item.name for item in objects})
    for item in objects:
        write_object_mesh(root, item.name, *mesh_from_parameters(item.family, item.parameters, spacing_m=0.004))
        write_views(root, item.object_id)
        for number in range(num_grasps):
            source = GraspSource("procedural", item.object_id, "liftup", "0000", str(number))
            grasp_id = make_grasp_id(item.object_id, "liftup", number)
            write_grasp(root, item.category, grasp_id, source, random_vector(generator))
    return objects


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    root = tmp_path_factory.mktemp("shape")
    return root, write_dataset(root)


@pytest.fixture
def copied(stored, tmp_path):
    root = tmp_path / "shape"
    shutil.copytree(stored[0], root)
    return root


def all_bytes(root):
    return {path.relative_to(root): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


def test_writer_reader_writer_gives_the_same_bytes(stored, tmp_path):
    root, _ = stored
    names = read_object_names(root)
    write_object_names(tmp_path, {object_id: name for object_id, (_, name) in names.items()})
    for object_id, (_, name) in names.items():
        write_object_mesh(tmp_path, name, *read_centred_mesh(find_mesh(root, names, object_id)))
    for record in find_grasps(root, "all"):
        vector = read_hand_vector(record.hand_file)
        write_grasp(tmp_path, record.category, record.grasp_id, record.source, vector)
    expected = {path: content for path, content in all_bytes(root).items() if path.parts[0] != "renders"}
    found = all_bytes(tmp_path)
    assert found.keys() == expected.keys()
    grasp_files = [path for path in expected if path.suffix != ".ply"]
    assert all(found[path] == expected[path] for path in grasp_files)
    meshes = [path for path in expected if path.suffix == ".ply"]
    assert len(meshes) == 6
    assert all(found[path] == expected[path] for path in meshes)


def test_hand_file_has_the_layout_that_others_read(stored):
    root, _ = stored
    record = next(record for record in find_grasps(root, "train") if record.source.recorded_at == "0")
    hand = pickle.loads(record.hand_file.read_bytes())
    assert {key: (value.shape, value.dtype.name) for key, value in hand.items()} == {
        "pose": ((48,), "float32"),
        "shape": ((10,), "float32"),
        "tsl": ((3,), "float32"),
    }
    assert len(record.object_id) == 6
    assert len(record.grasp_id) == 10
    assert (record.hand_file.parent / "source.txt").read_text() == f"procedural/{record.object_id}_0003_0000/0"
    table = json.loads((root / "metaV2" / "object_id.json").read_text())
    assert table[record.object_id] == {"name": f"{record.category}_{record.object_id}"}


def test_split_follows_the_md5_of_the_object_id():
    for object_id in ("C90001", "A01001", "S11101"):
        remainder = int(hashlib.md5(object_id.encode()).hexdigest(), 16) % 10
        assert split_of(object_id) == ("train" if remainder < 8 else "val" if remainder == 8 else "test")


def test_splits_share_no_object(stored):
    root, objects = stored
    by_split = {split: {record.object_id for record in find_grasps(root, split)} for split in ("train", "val", "test")}
    assert set.union(*by_split.values()) == {item.object_id for item in objects}
    assert sum(len(ids) for ids in by_split.values()) == len(objects)


def test_source_line():
    source = parse_source("pass1/C90001_0001_0004_0006/2021-10-05-11-22-33\n", "source.txt")
    assert source == GraspSource("pass1", "C90001", "use", "0004_0006", "2021-10-05-11-22-33")
    assert source.as_text() == "pass1/C90001_0001_0004_0006/2021-10-05-11-22-33"
    with pytest.raises(DatasetError, match=r"somewhere.*nonsense"):
        parse_source("nonsense", "somewhere")
    with pytest.raises(DatasetError, match="0009"):
        parse_source("pass1/C90001_0009_0004/2021", "source.txt")


def test_sample_has_what_training_needs(stored):
    root, _ = stored
    dataset = OakInkShapeDataset(root, "train", num_points=256)
    sample = dataset[0]
    record = dataset.records[0]
    points = sample["obj_points"]
    assert points.shape == (256, 3)
    assert torch.allclose(points.amin(dim=0), -points.amax(dim=0), atol=1e-7)
    vector = torch.cat([sample["mano_pose"], sample["mano_shape"], sample["mano_trans"]])
    vertices = dataset.hand_layer.from_vector(vector[None]).vertices[0]
    labels = vertex_part_labels(dataset.hand_layer.assets)
    by_hand = torch.stack(
        [torch.cdist(points.double(), vertices[labels == part].double()).amin(dim=1) for part in range(6)], dim=1
    )
    assert torch.allclose(sample["per_finger_distances"].double(), by_hand, atol=1e-5)
    nearest, part = sample["per_finger_distances"].min(dim=1)
    assert torch.equal(sample["contact_labels"], torch.where(nearest < 0.010, part + 1, 0))
    assert torch.equal(sample["contact_mask"], sample["contact_labels"] > 0)
    assert sample["instruction"] in phrases(record.category, "liftup", "train")
    assert list(sample["object_images"]) == list(VIEW_SLOTS)
    assert (sample["category"], sample["intent"]) == (record.category, "liftup")


def test_origin_of_the_mesh_keeps_the_stored_translation(stored):
    root, _ = stored
    by_mesh = OakInkShapeDataset(root, "train", num_points=64, origin="mesh")
    by_cloud = OakInkShapeDataset(root, "train", num_points=64)
    mesh_sample, cloud_sample = by_mesh[0], by_cloud[0]
    assert torch.equal(mesh_sample["mano_trans"], torch.from_numpy(by_mesh.vector(by_mesh.records[0])[58:]))
    moved = mesh_sample["obj_points"] - cloud_sample["obj_points"]
    assert torch.allclose(moved, (mesh_sample["mano_trans"] - cloud_sample["mano_trans"]).expand_as(moved), atol=1e-6)
    assert torch.allclose(mesh_sample["per_finger_distances"], cloud_sample["per_finger_distances"], atol=1e-6)


@pytest.mark.parametrize("origin", ["mesh", "cloud"])
def test_a_yaw_turns_views_cloud_and_hand_together(copied, origin):
    straight = OakInkShapeDataset(copied, "train", num_points=64, origin=origin)
    record = straight.records[0]
    write_views(copied, record.object_id, yaw_deg=30)
    (views_folder(copied, record.object_id, 30) / "left.png").write_bytes(
        (views_folder(copied, record.object_id, 0) / "right.png").read_bytes()
    )
    turned = OakInkShapeDataset(copied, "train", num_points=64, origin=origin, yaw_deg=30)
    before, after = straight[0], turned[0]
    assert np.array_equal(after["object_images"]["left"], before["object_images"]["right"])
    assert np.array_equal(straight.views(record.object_id, 30)["left"], after["object_images"]["left"])
    cos, sin = np.cos(np.pi / 6), np.sin(np.pi / 6)
    turn = torch.tensor([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1]], dtype=torch.float32)

    def hand_and_points(sample, dataset):
        vector = torch.cat([sample["mano_pose"], sample["mano_shape"], sample["mano_trans"]])
        return torch.cat([dataset.hand_layer.from_vector(vector[None]).vertices[0], sample["obj_points"]])

    expected, found = hand_and_points(before, straight) @ turn.T, hand_and_points(after, turned)
    shift = (found - expected)[-1] if origin == "cloud" else torch.zeros(3)
    torch.testing.assert_close(found, expected + shift, atol=1e-5, rtol=0)
    points = after["obj_points"]
    if origin == "cloud":
        torch.testing.assert_close(points.amin(dim=0), -points.amax(dim=0), atol=1e-7, rtol=0)
    torch.testing.assert_close(after["per_finger_distances"], before["per_finger_distances"], atol=1e-5, rtol=0)


def test_names_are_added_to_those_that_are_there(tmp_path):
    write_object_names(tmp_path, {"MG0001": "mug"})
    (tmp_path / "metaV2" / "virtual_object_id.json").write_text('{"V00001": {"name": "made_up"}}')
    write_object_names(tmp_path, {"BT0001": "bottle"})
    assert {key: name for key, (_, name) in read_object_names(tmp_path).items()} == {
        "MG0001": "mug",
        "BT0001": "bottle",
        "V00001": "made_up",
    }
    with pytest.raises(DatasetError, match="knows object MG0001 as 'mug', not as 'cup'"):
        write_object_names(tmp_path, {"BW0001": "bowl", "MG0001": "cup"})
    assert "BW0001" not in read_object_names(tmp_path)
    (tmp_path / "metaV2" / "object_id.json").write_text("[]")
    with pytest.raises(DatasetError, match=r"object_id\.json: expected"):
        write_object_names(tmp_path, {"BT0001": "bottle"})


def test_epoch_and_seed_choose_points_and_instruction(stored):
    root, _ = stored
    first, second = OakInkShapeDataset(root, "train", seed=3), OakInkShapeDataset(root, "train", seed=3)
    assert torch.equal(first[1]["obj_points"], second[1]["obj_points"])
    assert first[1]["instruction"] == second[1]["instruction"]
    second.set_epoch(1)
    assert not torch.equal(first[1]["obj_points"], second[1]["obj_points"])
    told = set()
    for epoch in range(12):
        second.set_epoch(epoch)
        told.add(second[1]["instruction"])
    assert len(told) > 6


def test_test_split_uses_held_out_phrasings(stored):
    dataset = OakInkShapeDataset(stored[0], "test")
    sample = dataset[0]
    assert sample["instruction"] in phrases(sample["category"], sample["intent"], "test")


def test_virtual_objects_are_read_with_their_parents(copied):
    record = find_grasps(copied, "train")[0]
    virtual = record.hand_file.parent / "V00001"
    virtual.mkdir()
    shutil.copy(record.hand_file, virtual / "hand_param.pkl")
    (copied / "metaV2" / "virtual_object_id.json").write_text('{"V00001": {"name": "made_up"}}')
    folder = copied / "OakInkVirtualObjectsV2" / "made_up" / "align"
    folder.mkdir(parents=True)
    shutil.copy(find_mesh(copied, read_object_names(copied), record.object_id), folder / "mesh.ply")
    reading = OakInkReading(with_virtual=True, virtual_split="real")
    assert len(find_grasps(copied, "train", reading)) == len(find_grasps(copied, "train")) + 1
    dataset = OakInkShapeDataset(copied, "train", reading=reading, views_required=False)
    sample = dataset[[item.object_id for item in dataset.records].index("V00001")]
    assert sample["obj_points"].shape == (1024, 3)
    assert sample["object_images"] == {}


class Malicious:
    def __reduce__(self):
        return os.system, ("exit 1",)


def damage_hand(root, **changes):
    record = find_grasps(root, "train")[0]
    hand = pickle.loads(record.hand_file.read_bytes())
    hand.update(changes)
    record.hand_file.write_bytes(pickle.dumps({key: value for key, value in hand.items() if value is not None}))
    return record.hand_file


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pose": np.zeros(45, np.float32)}, r"'pose' of shape \(48,\), found shape \(45,\)"),
        ({"tsl": None}, "'tsl'.*found nothing"),
        ({"shape": np.full(10, np.nan, np.float32)}, "'shape' holds values that are not finite"),
        ({"pose": Malicious()}, "refers to objects that were refused"),
    ],
)
def test_damaged_hand_files_are_named(copied, changes, message):
    path = damage_hand(copied, **changes)
    with pytest.raises(DatasetError, match=message) as failure:
        OakInkShapeDataset(copied, "train")[0]
    assert str(path) in str(failure.value)


def test_missing_files_are_named(copied):
    record = find_grasps(copied, "train")[0]
    dataset = OakInkShapeDataset(copied, "train")
    view = views_folder(copied, record.object_id, 0) / "left.png"
    view.unlink()
    with pytest.raises(DatasetError, match=r"left\.png"):
        dataset[0]
    record.hand_file.unlink()
    with pytest.raises(DatasetError, match=record.grasp_id):
        dataset[0]
    shutil.rmtree(copied / "OakInkObjectsV2")
    with pytest.raises(DatasetError, match=rf"{record.object_id} has no \.obj or \.ply"):
        OakInkShapeDataset(copied, "train").cloud(record.object_id)
    shutil.rmtree(copied / "metaV2")
    with pytest.raises(DatasetError, match=r"object_id\.json is missing"):
        OakInkShapeDataset(copied, "train")
    with pytest.raises(DatasetError, match="oakink_shape_v2"):
        OakInkShapeDataset(copied / "nowhere", "train")


def test_grasp_in_a_foreign_folder_is_refused(copied):
    record = find_grasps(copied, "train")[0]
    (record.hand_file.parent / "source.txt").write_text("procedural/XX0000_0003_0000/0")
    with pytest.raises(DatasetError, match="names object XX0000"):
        find_grasps(copied, "train")


@pytest.mark.parametrize("options", [{"split": "everything"}, {"split": "train", "num_points": STORED_CLOUD_SIZE + 1}])
def test_impossible_options_are_refused(stored, options):
    with pytest.raises(ConfigurationError):
        OakInkShapeDataset(stored[0], **options)


def test_writer_refuses_bad_ids_and_values(tmp_path):
    source = GraspSource("procedural", "MG0000", "use", "0000", "0")
    with pytest.raises(DatasetError, match="10 characters"):
        write_grasp(tmp_path, "mug", "short", source, np.zeros(61))
    with pytest.raises(DatasetError, match="finite"):
        write_grasp(tmp_path, "mug", "a" * 10, source, np.full(61, np.inf))
    with pytest.raises(DatasetError, match="6 characters"):
        write_object_names(tmp_path, {"MUG0001": "mug"})
    assert not any(tmp_path.iterdir())


def test_collate(stored):
    dataset = OakInkShapeDataset(stored[0], "train", num_points=128)
    samples = [dataset[0], dataset[1]]
    del samples[1]["object_images"]["back"]
    batch = collate_grasps(samples)
    assert batch["pts"].shape == (2, 128, 3)
    assert batch["mano_params"].shape == (2, 61)
    assert torch.equal(batch["mano_params"][1, 58:], samples[1]["mano_trans"])
    expected = torch.exp(-batch["per_finger_distances"] / CONTACT_TAU_M)
    assert torch.allclose(batch["contact_soft_targets"], expected)
    assert batch["contact_hard_labels"].shape == (2, 128)
    assert [len(images) for images in batch["images_list"]] == [6, 5]
    assert batch["view_mask"][1].tolist() == [slot != "back" for slot in VIEW_SLOTS]
    assert np.asarray(batch["images_list"][1][1])[0, 0, 0] == 30 * VIEW_SLOTS.index("left")
    assert batch["texts_list"] == [sample["instruction"] for sample in samples]
    assert batch["grasp_id"] == [sample["grasp_id"] for sample in samples]


def test_collate_refuses_bad_distances(stored):
    sample = OakInkShapeDataset(stored[0], "train", num_points=16)[0]
    with pytest.raises(InvalidDistancesError):
        collate_grasps([sample], tau=0.0)
    sample["per_finger_distances"] = torch.full((16, 6), torch.inf)
    with pytest.raises(InvalidDistancesError):
        collate_grasps([sample])
