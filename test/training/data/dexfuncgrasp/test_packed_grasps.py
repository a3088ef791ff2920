"""The authors' packed files: the same hands as in the world files, their own split, and no foreign code run."""

import os
import shutil

import numpy as np
import pytest

from funcgrasp_core.errors import DatasetError
from training.data.broken_files import BrokenFiles
from training.data.dexfuncgrasp.dataset import DexFuncGraspDataset
from training.data.dexfuncgrasp.index import find_shadow_grasps, read_world
from training.data.dexfuncgrasp.inspection import DexFuncGraspInspector
from training.data.dexfuncgrasp.layout import grasp_folder_name, split_of_object, split_of_packed
from training.data.dexfuncgrasp.packed_grasps import read_packed_grasps, write_packed_grasps
from training.data.dexfuncgrasp.reading import DexFuncGraspReading


@pytest.fixture
def packed_tree(tree, tmp_path):
    """The tree's grasps packed; bottles are for testing."""
    root = tmp_path / "packed"
    shutil.copytree(tree / "Obj_Data", root / "Obj_Data")
    worlds = {}
    for grasp in find_shadow_grasps(tree, "all"):
        folder = "test" if grasp.category == "bottle" else "train"
        name = grasp_folder_name(grasp.category, grasp.annotated_instance)
        place = root / "Grasps_Dataset" / folder / name / f"{grasp.instance}.npy"
        worlds.setdefault((place, grasp.category), {})[grasp.grasp_id.rpartition("/")[2]] = read_world(grasp)
    for (place, category), grasps in worlds.items():
        write_packed_grasps(place, category, np.zeros((8, 3)), grasps)
    return root


def test_packed_grasps_are_those_of_the_world_files(tree, packed_tree):
    expected = {
        (grasp.object_id, grasp.grasp_id.rpartition("/")[2]): grasp for grasp in find_shadow_grasps(tree, "all")
    }
    found = find_shadow_grasps(packed_tree, "all")
    assert len(found) == len(expected) == 8
    assert len({grasp.grasp_id for grasp in found}) == 8
    for grasp in found:
        original = expected[grasp.object_id, grasp.grasp_id.rpartition("/")[2]]
        assert grasp.is_transferred == original.is_transferred
        ours, theirs = read_world(grasp).hand_in_mesh_frame(), read_world(original).hand_in_mesh_frame()
        np.testing.assert_allclose(ours.rotation, theirs.rotation, atol=1e-8)
        np.testing.assert_allclose(ours.translation, theirs.translation, atol=1e-9)
        np.testing.assert_allclose(read_world(grasp).dof_values, read_world(original).dof_values, atol=1e-9)


def test_the_authors_test_objects_stay_test_objects(packed_tree):
    assert {grasp.category for grasp in find_shadow_grasps(packed_tree, "test")} == {"bottle"}
    others = {split: find_shadow_grasps(packed_tree, split) for split in ("train", "val")}
    for split, grasps in others.items():
        for grasp in grasps:
            assert grasp.category == "mug"
            assert (split_of_object(grasp.object_id) == "val") == (split == "val")
    assert split_of_packed("train", find_shadow_grasps(packed_tree, "test")[0].object_id) in ("train", "val")


def test_they_are_read_as_a_data_set_and_by_the_doctor(packed_tree, hasty):
    reading = DexFuncGraspReading(retargeting=hasty, max_fingertip_residual_m=0.2)
    dataset = DexFuncGraspDataset(packed_tree, "test", reading=reading, views_required=False, show_progress=False)
    assert len(dataset) == 4
    report = DexFuncGraspInspector().inspect(packed_tree)
    assert report.counts["grasps"] == 8
    assert report.tables["grasps by split"]["test"] == 4
    assert not report.broken


class Malicious:
    def __reduce__(self):
        return os.mkdir, ("made_by_a_pickle",)


def save(path, *content):
    array = np.empty(len(content), dtype=object)
    array[:] = content
    np.save(path, array, allow_pickle=True)


ROWS = np.concatenate([np.tile([1.0, 0, 0, 0], (2, 1)), np.zeros((2, 25))], axis=1)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (({}, Malicious()), "it was refused"),
        (({}, {"rtj": ROWS}), "expected an array of two dictionaries"),
        (({},), "expected an array of two dictionaries"),
        (({}, {"rtj": ROWS[:, :28], "name": ["a", "b"]}), r"'rtj' of shape \(2, 29\), found \(2, 28\)"),
        (({}, {"rtj": ROWS, "name": ["a", "a"]}), "the same name"),
        (({}, {"rtj": ROWS, "name": ["a"]}), r"'rtj' of shape \(1, 29\)"),
    ],
)
def test_wrong_packed_files_are_refused_by_name(tmp_path, monkeypatch, content, message):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "unit_mug_s001.npy"
    save(path, *content)
    with pytest.raises(DatasetError, match=message) as error:
        read_packed_grasps(path)
    assert str(path) in str(error.value)
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_files_that_are_no_arrays_of_objects_are_refused(tmp_path):
    path = tmp_path / "unit_mug_s001.npy"
    np.save(path, ROWS)
    with pytest.raises(DatasetError, match="an array of float64"):
        read_packed_grasps(path)
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(DatasetError, match="no packed grasp file"):
        read_packed_grasps(path)
    with pytest.raises(DatasetError, match="cannot be read"):
        read_packed_grasps(tmp_path / "absent.npy")


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [(0, 2.0, "quaternion of a pose has length 2"), (5, np.nan, "not finite"), (12, 90.0, "expected radians")],
)
def test_rows_that_are_no_pose_are_refused(tmp_path, column, value, message):
    path = tmp_path / "unit_mug_s001.npy"
    rows = ROWS.copy()
    rows[1, column] = value
    save(path, {}, {"rtj": rows, "name": ["0_0", "0_1"]})
    packed = read_packed_grasps(path)
    assert packed.world(0, "mug", "unit_mug_s001").dof_values.shape == (22,)
    with pytest.raises(DatasetError, match=f"0_1: .*{message}"):
        packed.world(1, "mug", "unit_mug_s001")


def test_a_broken_packed_file_is_skipped_and_listed(packed_tree):
    path = next(packed_tree.rglob("*.npy"))
    path.write_bytes(b"")
    broken = BrokenFiles("skip")
    assert len(find_shadow_grasps(packed_tree, "all", broken=broken)) == 6
    assert [file.path for file in broken] == [path]
