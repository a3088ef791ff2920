"""The commands and the data doctor, on a tree of the official layout."""

import shutil
import sys

import pytest

from funcgrasp_core.contracts import VIEW_SLOTS
from training.data.dexfuncgrasp import example, prepare
from training.data.dexfuncgrasp.dataset import DexFuncGraspDataset
from training.data.dexfuncgrasp.index import find_object_mesh, find_shadow_grasps
from training.data.dexfuncgrasp.inspection import DexFuncGraspInspector
from training.data.layout_inspection import LayoutInspector


def test_the_inspector_knows_its_layout(tree, tmp_path):
    inspector: LayoutInspector = DexFuncGraspInspector()
    assert inspector.recognises(tree)
    assert not inspector.recognises(tree / "Grasps")
    assert not inspector.recognises(tmp_path)


def test_the_report_counts_and_names_what_is_missing_and_broken(copied_tree):
    grasps = find_shadow_grasps(copied_tree, "all")
    grasps[0].file.write_text("<world>")
    bottle = next(grasp for grasp in grasps if grasp.category == "bottle")
    mesh = find_object_mesh(copied_tree, bottle.category, bottle.instance)
    mesh.unlink()
    report = DexFuncGraspInspector().inspect(copied_tree)
    assert report.counts["grasps"] == 7
    assert report.counts["objects in the list"] == 4
    assert report.tables["grasps by category"] == {"bottle": 4, "mug": 3}
    assert [file.path for file in report.broken] == [grasps[0].file]
    missing = " ".join(str(file) for file in report.missing)
    assert f"object '{bottle.instance}' has no mesh" in missing
    assert "dexfuncgrasp.prepare --data" in missing
    assert "no grasp is retargeted yet" in " ".join(report.notes)
    assert not report.is_clean
    assert bottle.instance in report.as_text()


def test_a_tree_without_grasps_is_reported(tmp_path, tree):
    shutil.copytree(tree / "Obj_Data", tmp_path / "Obj_Data")
    report = DexFuncGraspInspector().inspect(tmp_path)
    assert [file.path.name for file in report.missing] == ["Grasps"]
    (tmp_path / "Obj_Data" / "obj_data.json").write_text("{")
    assert "obj_data.json" in str(DexFuncGraspInspector().inspect(tmp_path).broken[0])


@pytest.mark.slow
def test_sampled_grasps_are_of_different_categories(tree):
    grasps = DexFuncGraspInspector().sample_grasps(tree, 2, seed=0)
    assert {grasp.title.split("/")[0] for grasp in grasps} == {"mug", "bottle"}
    for grasp in grasps:
        assert "Shadow Hand retargeted, fingertips" in grasp.title
        assert grasp.part_distances.min() < 0.004
        assert grasp.hand_vertices.shape == (778, 3)


@pytest.mark.slow
def test_a_prepared_tree_needs_nothing_more(tmp_path, capsys, monkeypatch):
    pytest.importorskip("open3d", reason="rendering needs open3d")
    assert example.main(["--output", str(tmp_path), "--objects", "1", "--grasps", "1"]) == 0
    assert "3 grasps in" in capsys.readouterr().out
    assert prepare.main(["--data", str(tmp_path)]) == 0
    table = capsys.readouterr().out
    assert [line.split()[0] for line in table.splitlines()] == ["category", "bottle", "bowl", "mug", "all"]
    assert table.splitlines()[-1].split()[1:3] == ["3", "0"]
    assert DexFuncGraspInspector().inspect(tmp_path).is_clean
    for absent in ("open3d", "trimesh"):
        monkeypatch.setitem(sys.modules, absent, None)
    sample = DexFuncGraspDataset(tmp_path, "all", show_progress=False)[0]
    assert set(sample["object_images"]) == set(VIEW_SLOTS)


def test_the_command_names_a_wrong_folder(tmp_path, capsys):
    assert prepare.main(["--data", str(tmp_path)]) == 2
    assert "give the folder that holds Obj_Data and Grasps" in capsys.readouterr().err
