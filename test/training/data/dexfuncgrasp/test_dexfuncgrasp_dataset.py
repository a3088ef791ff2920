"""Samples of DexFuncGrasp: like those of any reader, and plainly said to be retargeted."""

import pytest
import torch

from funcgrasp_core.contracts import PART_NAMES
from funcgrasp_core.errors import ConfigurationError, DatasetError
from funcgrasp_core.geometry.contact_field import per_part_distances
from funcgrasp_core.hand.hand_parts import vertex_part_labels
from training.data.collate import collate_grasps
from training.data.dexfuncgrasp.dataset import DexFuncGraspDataset
from training.data.dexfuncgrasp.index import find_object_mesh, find_shadow_grasps
from training.data.dexfuncgrasp.reading import DexFuncGraspReading
from training.data.dexfuncgrasp.retargeting_store import STORE_FOLDER
from training.data.grasp_reader import GraspReader, is_retargeted
from training.data.grasp_sample import SampleSettings
from training.data.oakink import STORED_CLOUD_SIZE


def open_tree(root, split="all", **changes):
    reading = DexFuncGraspReading(**changes)
    return DexFuncGraspDataset(root, split, reading=reading, views_required=False, show_progress=False)


@pytest.fixture(scope="module")
def dataset(retargeted_tree):
    return open_tree(retargeted_tree)


def test_a_sample_says_what_it_is(dataset):
    sample = dataset[0]
    residual_mm = sample["fingertip_residual_m"] * 1000
    assert sample["source"] == f"DexFuncGrasp, Shadow Hand retargeted to MANO, fingertip residual {residual_mm:.1f} mm"
    assert sample["is_retargeted"] is True
    assert 0 < residual_mm < 10
    assert sample["intent"] == "use"
    assert sample["object_id"].startswith("mug/")
    record = dataset.records[0]
    assert is_retargeted(record)
    assert record.palm_residual_m > 0


def test_samples_fit_the_collator(dataset):
    batch = collate_grasps([dataset[0], dataset[1]])
    assert batch["pts"].shape == (2, 1024, 3)
    assert batch["mano_params"].shape == (2, 61)
    assert batch["contact_soft_targets"].shape == (2, 1024, len(PART_NAMES))
    assert batch["category"] == ["mug", "mug"]


def test_hand_and_points_share_a_frame(dataset):
    # Where fingers touch in the object's frame they touch in the sample's, whose origin is elsewhere.
    record, sample = dataset.records[0], dataset[0]
    labels = vertex_part_labels(dataset.hand_layer.assets)
    vertices = dataset.hand_layer.from_vector(torch.from_numpy(dataset.vector(record))[None]).vertices
    cloud = torch.from_numpy(dataset.cloud(record.object_id))[None]
    nearest = per_part_distances(cloud, vertices, labels)[0].amin(0)
    in_sample = sample["per_finger_distances"].amin(0)
    assert bool((nearest[1:3] < 0.004).all())
    torch.testing.assert_close(in_sample, nearest, atol=0.004, rtol=0)
    assert not torch.equal(sample["mano_trans"], torch.from_numpy(dataset.vector(record))[58:])


def test_epochs_choose_other_points_and_the_same_again(dataset):
    first = dataset[0]["obj_points"]
    dataset.set_epoch(1)
    other = dataset[0]["obj_points"]
    dataset.set_epoch(0)
    assert not torch.equal(first, other)
    assert torch.equal(dataset[0]["obj_points"], first)


def test_it_is_a_grasp_reader(dataset):
    reader: GraspReader = dataset
    record = reader.records[0]
    vertices, faces = reader.mesh(record.object_id)
    assert reader.vector(record).shape == (61,)
    assert reader.cloud(record.object_id).shape == (STORED_CLOUD_SIZE, 3)
    assert vertices.shape[1] == faces.shape[1] == 3
    assert reader.views(record.object_id, 30) == {}
    assert reader.split == "all"
    assert (reader.root / STORE_FOLDER).is_dir()


def test_reading_again_takes_what_is_stored(dataset):
    files = {path: path.stat().st_mtime_ns for path in (dataset.root / STORE_FOLDER).rglob("*.safetensors")}
    again = open_tree(dataset.root)
    assert len(files) == 4
    assert files == {path: path.stat().st_mtime_ns for path in (dataset.root / STORE_FOLDER).rglob("*.safetensors")}
    assert [record.grasp_id for record in again.records] == [record.grasp_id for record in dataset.records]
    assert (again.vector(again.records[3]) == dataset.vector(dataset.records[3])).all()


def test_splits_share_no_object(dataset):
    ids_of = {
        split: set(open_tree(dataset.root, split).object_ids)
        for split in ("train", "val", "test")
        if find_shadow_grasps(dataset.root, split)
    }
    assert len(ids_of) > 1
    assert sum(len(ids) for ids in ids_of.values()) == 4
    assert set().union(*ids_of.values()) == set(dataset.object_ids)


def test_a_split_without_grasps_is_refused(dataset):
    absent = next(split for split in ("test", "val", "train") if not find_shadow_grasps(dataset.root, split))
    with pytest.raises(DatasetError, match=f"no usable grasp of split '{absent}'"):
        open_tree(dataset.root, absent)


def test_poor_grasps_are_left_out_listed_and_logged(copied_tree, hasty, caplog):
    with pytest.raises(DatasetError, match=r"no usable grasp .* \(8 were retargeted too poorly\)"):
        open_tree(copied_tree, retargeting=hasty, max_fingertip_residual_m=0.001)
    lenient = open_tree(copied_tree, retargeting=hasty, max_fingertip_residual_m=0.2)
    residuals = sorted(record.fingertip_residual_m for record in lenient.records)
    middle = open_tree(copied_tree, retargeting=hasty, max_fingertip_residual_m=residuals[3])
    assert [len(middle.records), len(middle.poor_records)] == [4, 4]
    assert "left out: 4 grasps" in caplog.text
    assert min(record.fingertip_residual_m for record in middle.poor_records) > residuals[3]


def test_broken_files_are_refused_or_skipped_and_listed(copied_tree, hasty):
    grasps = find_shadow_grasps(copied_tree, "all")
    grasps[0].file.write_text("<world>")
    bottle = next(grasp for grasp in grasps if grasp.category == "bottle")
    find_object_mesh(copied_tree, bottle.category, bottle.instance).unlink()
    with pytest.raises(DatasetError, match="no well-formed XML"):
        open_tree(copied_tree, retargeting=hasty, max_fingertip_residual_m=0.2)
    skipping = open_tree(copied_tree, retargeting=hasty, max_fingertip_residual_m=0.2, on_broken="skip")
    assert len(skipping.records) == 5
    listed = "\n".join(str(broken) for broken in skipping.broken_files)
    assert len(skipping.broken_files) == 2
    assert str(grasps[0].file) in listed
    assert f"object '{bottle.instance}' has no mesh" in listed


def test_a_folder_of_something_else_is_refused(tmp_path):
    with pytest.raises(DatasetError, match="Obj_Data and Grasps"):
        open_tree(tmp_path)


def test_missing_views_are_named_with_the_command_that_renders_them(copied_tree, hasty):
    reading = DexFuncGraspReading(retargeting=hasty, max_fingertip_residual_m=0.2)
    wanting = DexFuncGraspDataset(copied_tree, "all", reading=reading, show_progress=False)
    with pytest.raises(DatasetError, match=r"front\.png is missing.*dexfuncgrasp\.prepare --data"):
        wanting[0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hand_shape": "large"}, "hand_shape must be one of"),
        ({"max_fingertip_residual_m": 0.0}, "must be positive"),
        ({"max_fingertip_residual_m": float("nan")}, "must be positive"),
        ({"categories": ()}, "not empty"),
        ({"categories": "mug"}, "must be a tuple"),
    ],
)
def test_wrong_readings_are_refused(changes, message):
    with pytest.raises(ConfigurationError, match=message):
        DexFuncGraspReading(**changes)


def test_wrong_arguments_are_refused(tree):
    with pytest.raises(ConfigurationError, match="not 'dev'"):
        DexFuncGraspDataset(tree, "dev")
    with pytest.raises(ConfigurationError, match="at most 4096"):
        DexFuncGraspDataset(tree, "all", sample=SampleSettings(num_points=5000))


def test_the_reading_chooses_categories_transfers_and_the_hands_shape(copied_tree, hasty):
    choices = {"retargeting": hasty, "max_fingertip_residual_m": 0.2}
    bottles = open_tree(copied_tree, categories=("bottle",), **choices)
    assert {record.category for record in bottles.records} == {"bottle"}
    assert len(open_tree(copied_tree, with_transferred=False, **choices)) == 4
    mean, shadow = (open_tree(copied_tree, hand_shape=shape, **choices) for shape in ("mean", "shadow"))
    assert not mean.vector(mean.records[0])[48:58].any()
    assert shadow.vector(shadow.records[0])[48] > 1  # larger than the mean hand
