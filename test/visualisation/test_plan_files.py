import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest
import trimesh

from funcgrasp_core.errors import InvalidFileError
from funcgrasp_core.visualisation.plan_files import plan_as_dict, write_hand_mesh, write_plan_folder


def test_plan_json_has_the_documented_keys_and_values(plan):
    content = plan_as_dict(plan)
    assert list(content) == ["frame", "units", "instruction", "grasps", "contact_map", "timings"]
    assert (content["frame"], content["units"], content["instruction"]) == ("table", "m", plan.instruction)
    for rank, grasp in enumerate(content["grasps"]):
        assert list(grasp) == ["pose", "shape", "translation", "score", "joints", "mesh"]
        vector = grasp["pose"] + grasp["shape"] + grasp["translation"]
        np.testing.assert_allclose(vector, plan.grasps[rank].vector, atol=1e-7)
        np.testing.assert_allclose(grasp["joints"], plan.grasps[rank].joints, atol=1e-7)
        assert grasp["mesh"] == f"grasp_00{rank}.ply"
    contact_map = content["contact_map"]
    assert list(contact_map) == ["points", "parts", "probabilities"]
    assert contact_map["parts"] == ["palm", "thumb", "index", "middle", "ring", "pinky"]
    np.testing.assert_allclose(contact_map["points"], plan.contact_map.points, atol=1e-7)
    np.testing.assert_allclose(contact_map["probabilities"], plan.contact_map.probabilities, atol=1e-7)
    assert content["timings"] == {"sample": 0.25, "total": 0.5}


def test_hand_mesh_reads_back_closed_and_in_place(plan, tmp_path):
    write_hand_mesh(tmp_path / "hand.ply", plan.grasps[0].vertices, plan.hand_faces)
    mesh = trimesh.load(tmp_path / "hand.ply", process=False)
    np.testing.assert_array_equal(mesh.vertices, plan.grasps[0].vertices)
    np.testing.assert_array_equal(mesh.faces, plan.hand_faces)
    assert mesh.is_watertight
    assert mesh.volume > 0


def test_folder_holds_every_file_and_replaces_an_older_plan(plan, tmp_path):
    directory = tmp_path / "new" / "plan"
    write_plan_folder(plan, directory)
    assert sorted(entry.name for entry in directory.iterdir()) == [
        "grasp_000.ply",
        "grasp_001.ply",
        "plan.html",
        "plan.json",
    ]
    write_plan_folder(dataclasses.replace(plan, grasps=plan.grasps[:1]), directory)
    assert not (directory / "grasp_001.ply").exists()
    assert len(json.loads((directory / "plan.json").read_text())["grasps"]) == 1
    assert [entry.name for entry in directory.parent.iterdir()] == ["plan"]


def test_the_current_folder_takes_a_plan_and_stays_itself(plan, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    for _ in range(2):
        write_plan_folder(plan, Path("."))
        assert (Path.cwd() / "plan.json").is_file()
    assert [entry.name for entry in tmp_path.iterdir()] == ["here"]


def test_a_linked_folder_gets_the_new_plan_and_stays_a_link(plan, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "real" / "plan", target_is_directory=True)
    (tmp_path / "real").mkdir()
    write_plan_folder(plan, link)
    write_plan_folder(dataclasses.replace(plan, grasps=plan.grasps[:1]), link)
    assert link.is_symlink()
    assert sorted(entry.name for entry in (tmp_path / "real" / "plan").iterdir()) == [
        "grasp_000.ply",
        "plan.html",
        "plan.json",
    ]
    assert sorted(entry.name for entry in tmp_path.rglob("*") if entry.is_dir() and not entry.is_symlink()) == [
        "plan",
        "real",
    ]


def test_an_older_plan_survives_when_the_new_one_cannot_be_written(plan, tmp_path):
    write_plan_folder(plan, tmp_path / "plan")
    before = {entry.name: entry.read_bytes() for entry in (tmp_path / "plan").iterdir()}
    with pytest.raises(ValueError, match="JSON"):
        write_plan_folder(dataclasses.replace(plan, timings={"total": float("nan")}), tmp_path / "plan")
    assert {entry.name: entry.read_bytes() for entry in (tmp_path / "plan").iterdir()} == before


def test_foreign_files_are_left_alone(plan, tmp_path):
    (tmp_path / "thesis.tex").write_text("important")
    with pytest.raises(InvalidFileError, match=r"thesis\.tex.*name a new folder"):
        write_plan_folder(plan, tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.tex"]


def test_an_output_that_is_a_file_is_refused(plan, tmp_path):
    (tmp_path / "plan").write_text("")
    with pytest.raises(InvalidFileError, match="is a file"):
        write_plan_folder(plan, tmp_path / "plan")


def test_a_plan_that_cannot_be_written_leaves_nothing(plan, tmp_path):
    broken = dataclasses.replace(plan, timings={"total": float("nan")})
    with pytest.raises(ValueError, match="JSON"):
        write_plan_folder(broken, tmp_path / "plan")
    assert list(tmp_path.iterdir()) == []
