"""The data doctor: finds what is there, missing and broken, and tells which folder was meant."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("open3d", reason="rendering needs open3d")
pytest.importorskip("trimesh", reason="reading meshes needs trimesh")

from funcgrasp_core.errors import DatasetError
from training.data.broken_files import BrokenFile
from training.data.inspect import inspector_of, main
from training.data.layout_inspection import LayoutReport
from training.data.oakink_index import find_grasps, find_mesh, read_object_names
from training.data.oakink_inspection import OakInkInspector
from training.data.oakink_reading import OakInkReading
from training.data.render_object_views import render_object_views
from training.data.view_rendering import views_folder

EVERYTHING = OakInkReading(with_virtual=True, handover="all")


@pytest.fixture(scope="module")
def prepared(example_tree, tmp_path_factory):
    """The example tree with all its views; its mugs only, for speed."""
    root = tmp_path_factory.mktemp("prepared") / "shape"
    shutil.copytree(example_tree, root, ignore=shutil.ignore_patterns("bottle", "hammer", "bowl"))
    render_object_views(root, with_virtual=True)
    return root


@pytest.fixture
def patient(prepared, tmp_path):
    return shutil.copytree(prepared, tmp_path / "shape")


def examine(root, *arguments):
    report = root.parent / "report.json"
    code = main([str(root), "--json", str(report), *arguments])
    return code, json.loads(report.read_text())


def test_a_clean_folder(prepared, capsys):
    code, report = examine(prepared)
    records = find_grasps(prepared, "all", EVERYTHING)
    virtual = [record for record in records if record.is_virtual]
    assert code == 0
    assert report["is_clean"]
    assert report["layout"] == "OakInk-Shape"
    assert report["counts"]["grasps"] == len(records)
    assert report["counts"]["  transferred to virtual"] == len(virtual)
    assert report["counts"]["  real"] == 3
    assert report["counts"]["  virtual"] == 2
    tables = report["tables"]
    assert tables["grasps by category"] == {"mug": len(records)}
    assert tables["grasps by intent"]["handover"] == 2 * tables["grasps by intent"]["handover (receiving)"]
    assert sum(tables["grasps by split"].values()) == len(records)
    assert sum(tables["objects by split"].values()) == 5
    assert all(report["bytes_on_disk"][part] > 0 for part in ("renders", "clouds", "OakInkVirtualObjectsV2"))
    text = capsys.readouterr().out
    assert "missing: nothing" in text
    assert "broken: nothing" in text


def broken_hand(root, record):
    record.hand_file.write_bytes(b"nothing")
    return "broken", record.hand_file, "is no pickle"


def lost_hand(root, record):
    record.hand_file.unlink()
    return "missing", record.hand_file, "the hand of the grasp"


def broken_source(root, record):
    path = record.hand_file.parent / "source.txt"
    path.write_text("nothing")
    return "broken", path, "expected '<stage>/"


def lost_source(root, record):
    path = record.hand_file.parent / "source.txt"
    path.unlink()
    return "missing", path, "what the grasp is for"


def broken_mesh(root, record):
    path = find_mesh(root, read_object_names(root), record.object_id)
    path.write_bytes(b"nothing")
    return "broken", path.parent, path.name


def lost_mesh(root, record):
    folder = find_mesh(root, read_object_names(root), record.object_id).parent
    shutil.rmtree(folder)
    return "missing", folder, f"mesh of object {record.object_id}"


def large_mesh(root, record):
    path = find_mesh(root, read_object_names(root), record.object_id)
    header, points = path.read_bytes().split(b"end_header\n", 1)
    num_vertices = int(header.split(b"element vertex ")[1].split(b"\n")[0])
    scaled = np.frombuffer(points[: 12 * num_vertices], "<f4") * 1000
    path.write_bytes(header + b"end_header\n" + scaled.tobytes() + points[12 * num_vertices :])
    return "broken", path.parent, "scale the mesh to metres"


def lost_name(root, record):
    path = root / "metaV2" / "object_id.json"
    table = json.loads(path.read_text())
    del table[record.object_id]
    path.write_text(json.dumps(table))
    virtual = root / "metaV2" / "virtual_object_id.json"
    virtual.write_text(json.dumps({k: v for k, v in json.loads(virtual.read_text()).items() if k != record.object_id}))
    return "missing", root / "metaV2", f"no table names object {record.object_id}"


def broken_table(root, record):
    (root / "metaV2" / "object_id.json").write_text("[]")
    return "broken", root / "metaV2", "expected"


def broken_cloud(root, record):
    path = root / "clouds" / f"{record.object_id}.npy"
    path.write_bytes(path.read_bytes()[:999])
    return "broken", path, "cannot be read as a NumPy array"


def broken_view(root, record):
    path = views_folder(root, record.object_id, 60) / "left.png"
    path.write_bytes(path.read_bytes()[:99])
    return "broken", path, "is damaged"


def lost_view(root, record):
    (views_folder(root, record.object_id, 60) / "left.png").unlink()
    return "missing", root / "renders" / record.object_id, "1 views are not there: python -m training"


def broken_settings(root, record):
    path = root / "renders" / "settings.json"
    path.write_text("nothing")
    return "broken", root / "renders", "render the views again"


@pytest.mark.parametrize(
    "damage",
    [
        broken_hand,
        lost_hand,
        broken_source,
        lost_source,
        broken_mesh,
        lost_mesh,
        large_mesh,
        lost_name,
        broken_table,
        broken_cloud,
        broken_view,
        lost_view,
        broken_settings,
    ],
)
def test_every_damage_is_found(patient, capsys, damage):
    record = find_grasps(patient, "val")[0]
    kind, path, reason = damage(patient, record)
    code, report = examine(patient)
    assert code == 1
    assert not report["is_clean"]
    found = {entry["path"]: entry["reason"] for entry in report[kind]}
    assert reason in found[str(path)]
    assert reason.split(":")[0] in capsys.readouterr().out
    if damage is not broken_table:  # without names no mesh is found
        assert len(report["missing"]) + len(report["broken"]) == 1


def test_views_that_were_never_rendered_are_one_entry_with_the_command(example_tree):
    report = OakInkInspector().inspect(example_tree)
    assert [file.path for file in report.missing] == [example_tree / "renders"] * 2
    command = f"python -m training.data.render_object_views --data {example_tree}"
    assert report.missing[0].reason.endswith(command)
    assert report.missing[1].reason.endswith(f"{command} --with-virtual")
    assert report.broken == ()
    note = next(note for note in report.notes if note.startswith("up axis"))
    assert "stand along z; this folder is read with z" in note


def test_parts_of_the_layout_that_are_not_there(patient):
    shutil.rmtree(patient / "OakInkObjectsV2")
    (patient / "metaV2" / "virtual_object_id.json").unlink()
    code, report = examine(patient)
    assert code == 1
    missing = {entry["path"] for entry in report["missing"]}
    assert {str(patient / "OakInkObjectsV2"), str(patient / "metaV2" / "virtual_object_id.json")} <= missing


def test_unusual_names_are_noted(patient):
    grasps = patient / "oakink_shape_v2"
    (grasps / "mug").rename(grasps / "chalice")
    (grasps / "chalice" / "MG0000" / "remarks").mkdir(parents=True)
    report = OakInkInspector().inspect(patient)
    assert report.is_clean
    assert any("chalice" in note and "does not know" in note for note in report.notes)
    assert any("named unlike grasps" in note and "remarks" in note for note in report.notes)


def test_samples_as_a_picture(prepared, tmp_path, capsys):
    path = tmp_path / "pictures" / "samples.png"
    assert main([str(prepared), "--picture", str(path), "--samples", "3"]) == 0
    assert "3 grasps drawn" in capsys.readouterr().out
    pixels = np.asarray(Image.open(path).convert("RGB")).astype(int)
    assert pixels.shape == (2 * 346 + 26, 2 * 640, 3)
    assert (np.abs(pixels[:320, :320] - pixels[0, 0]).max(axis=-1) > 30).mean() > 0.05  # the hand and the object
    beside = pixels[:320, 320:640]
    assert (np.ptp(beside, axis=-1) > 60).sum() > 50  # the colours of contact on a grey object
    grasps = OakInkInspector().sample_grasps(prepared, 3, seed=0)
    assert [grasp.title for grasp in grasps] == [g.title for g in OakInkInspector().sample_grasps(prepared, 3, seed=0)]
    assert sum("virtual object" in grasp.title for grasp in grasps) >= 1
    assert [grasp.title for grasp in grasps] != [g.title for g in OakInkInspector().sample_grasps(prepared, 3, seed=5)]


def test_broken_grasps_are_not_drawn(patient):
    for record in find_grasps(patient, "all", EVERYTHING)[1:]:
        broken_hand(patient, record)
    assert len(OakInkInspector().sample_grasps(patient, 4, seed=0)) == 1


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("", "shape (OakInk-Shape) lies below it"),
        ("shape/metaV2", "shape (OakInk-Shape) contains it"),
        ("shape/oakink_shape_v2/mug", "shape (OakInk-Shape) contains it"),
        ("nowhere", "is not there"),
        ("shape/metaV2/object_id.json", "is a file"),
    ],
)
def test_the_folder_that_was_meant_is_named(patient, capsys, folder, expected):
    assert main([str(patient.parent / folder)]) == 2
    assert expected in capsys.readouterr().err


def test_a_folder_of_something_else(tmp_path, capsys):
    (tmp_path / "holiday.jpg").touch()
    assert main([str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert "it holds holiday.jpg" in error
    assert "oakink_shape_v2, metaV2" in error


def test_other_layouts_plug_in(tmp_path):
    class Inspector:
        name = "Toy"
        root_description = "a folder with toys"

        def recognises(self, root):
            return (root / "toys").is_dir()

        def inspect(self, root):
            return LayoutReport("Toy", root, {"toys": 3}, broken=[BrokenFile(root / "toys", "one is broken")])

        def sample_grasps(self, root, num_samples, seed):
            return []

    (tmp_path / "box" / "toys").mkdir(parents=True)
    toy = Inspector()
    assert inspector_of(tmp_path / "box", (OakInkInspector(), toy)) is toy
    with pytest.raises(DatasetError, match=r"box \(Toy\) lies below it"):
        inspector_of(tmp_path, (OakInkInspector(), toy))
    with pytest.raises(DatasetError, match=r"for OakInk-Shape the folder .*; or for Toy a folder with toys"):
        inspector_of(make(tmp_path / "empty" / "deep" / "deeper"), (OakInkInspector(), toy))
    report = toy.inspect(tmp_path)
    assert not report.is_clean
    assert "one is broken" in report.as_text()


def make(folder):
    folder.mkdir(parents=True)
    return folder


def test_long_lists_are_shortened_in_the_text_only(tmp_path):
    files = [BrokenFile(tmp_path / f"file{number}", "is bad") for number in range(30)]
    report = LayoutReport("Toy", tmp_path, broken=files)
    assert "... and 10 more" in report.as_text()
    assert "file29" not in report.as_text()
    assert len(report.as_json()["broken"]) == 30


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(("--samples", "0"), "at least 1"), (("--picture", "samples.txt"), "give a picture's name")],
)
def test_wrong_arguments(prepared, capsys, arguments, message):
    assert main([str(prepared), *arguments]) == 2
    assert message in capsys.readouterr().err
