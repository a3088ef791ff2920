"""Views of a data set that has none: rendered for all splits, kept when rendered again, broken meshes by policy."""

import json

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("open3d", reason="rendering needs open3d")
pytest.importorskip("trimesh", reason="reading meshes needs trimesh")

from funcgrasp_core.contracts import VIEW_SLOTS
from funcgrasp_core.errors import ConfigurationError, DatasetError
from training.data.oakink import OakInkShapeDataset
from training.data.oakink_index import find_grasps
from training.data.oakink_layout import SPLITS, GraspSource
from training.data.oakink_reading import OakInkReading
from training.data.oakink_writer import (
    make_grasp_id,
    write_grasp,
    write_object_mesh,
    write_object_names,
    write_transferred_grasp,
)
from training.data.procedural_objects import object_ids
from training.data.render_object_views import main, render_object_views
from training.data.up_axis import turn_to_z_up
from training.data.view_rendering import VIEW_YAWS_DEG, views_folder

CORNERS = np.array([[x, y, z] for x in (0.0, 0.1) for y in (0.0, 0.06) for z in (0.0, 0.04)])
FACES = np.array(
    [
        (0, 1, 3), (0, 3, 2), (4, 6, 7), (4, 7, 5), (0, 4, 5), (0, 5, 1),
        (2, 3, 7), (2, 7, 6), (0, 2, 6), (0, 6, 4), (1, 5, 7), (1, 7, 3),
    ]
)  # fmt: skip
IDS = [object_ids("mug", split, 1)[0] for split in SPLITS]
VIRTUAL_ID = "s00001"


@pytest.fixture
def boxes(tmp_path):
    """A box of every split; the first one's grasp is transferred to a virtual box."""
    write_object_names(tmp_path, {object_id: f"box_{object_id}" for object_id in IDS})
    write_object_names(tmp_path, {VIRTUAL_ID: "virtual_box"}, virtual=True)
    write_object_mesh(tmp_path, "virtual_box", CORNERS * 0.7, FACES, virtual=True)
    for object_id in IDS:
        write_object_mesh(tmp_path, f"box_{object_id}", CORNERS, FACES)
        source = GraspSource("pass1", object_id, "use", "0001", "2021-01-01")
        folder = write_grasp(tmp_path, "mug", make_grasp_id(object_id, "use", 0), source, np.zeros(61))
        if object_id == IDS[0]:
            write_transferred_grasp(folder, VIRTUAL_ID, np.zeros(61))
    return tmp_path


def break_mesh(root, object_id):
    path = root / "OakInkObjectsV2" / f"box_{object_id}" / "align" / f"box_{object_id}.ply"
    path.write_bytes(b"nothing")
    return path


def pictures(root, object_id):
    return {
        (yaw_deg, slot): np.asarray(Image.open(views_folder(root, object_id, yaw_deg) / f"{slot}.png"))
        for yaw_deg in VIEW_YAWS_DEG
        for slot in VIEW_SLOTS
    }


def test_every_split_is_rendered_once(boxes, capsys):
    assert main(["--data", str(boxes)]) == 0
    assert "3 objects" in capsys.readouterr().out
    for split in SPLITS:
        view = OakInkShapeDataset(boxes, split, yaw_deg=VIEW_YAWS_DEG[1])[0]["object_images"]["top"]
        assert view.shape == (224, 224, 3)
        assert (np.abs(view.astype(int) - view[0, 0]).max(axis=-1) > 5).mean() > 0.1
    picture = views_folder(boxes, IDS[0], 0) / "front.png"
    before = picture.stat().st_mtime_ns
    assert main(["--data", str(boxes)]) == 0
    assert "0 rendered now" in capsys.readouterr().out
    assert picture.stat().st_mtime_ns == before


def test_an_interrupted_run_continues(boxes):
    render_object_views(boxes)
    whole = pictures(boxes, IDS[1])
    (views_folder(boxes, IDS[1], 30) / "left.png").unlink()
    (boxes / "clouds" / f"{IDS[2]}.npy").unlink()
    result = render_object_views(boxes)
    assert (result.num_objects, result.num_rendered, result.broken) == (3, 2, ())
    again = pictures(boxes, IDS[1])
    assert all(np.array_equal(again[key], whole[key]) for key in whole)
    assert (boxes / "clouds" / f"{IDS[2]}.npy").is_file()


def test_stored_clouds_are_what_the_reader_would_sample(boxes):
    sampled = OakInkShapeDataset(boxes, "train", views_required=False).cloud(IDS[0])
    render_object_views(boxes)
    assert np.array_equal(np.load(boxes / "clouds" / f"{IDS[0]}.npy"), sampled)
    assert np.array_equal(OakInkShapeDataset(boxes, "train").cloud(IDS[0]), sampled)


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_virtual_objects(boxes, workers):
    assert render_object_views(boxes, with_virtual=True, num_workers=workers).num_rendered == 4
    assert not np.array_equal(pictures(boxes, VIRTUAL_ID)[0, "top"], pictures(boxes, IDS[0])[0, "top"])
    reading = OakInkReading(with_virtual=True, virtual_split="real")
    samples = OakInkShapeDataset(boxes, "train", reading=reading)
    assert [record.object_id for record in samples.records] == [IDS[0], VIRTUAL_ID]
    assert np.ptp(samples[1]["obj_points"].numpy(), axis=0).max() == pytest.approx(0.07, abs=0.002)


def test_without_virtual_objects_the_reader_names_the_option(boxes):
    render_object_views(boxes)
    samples = OakInkShapeDataset(boxes, "train", reading=OakInkReading(with_virtual=True, virtual_split="real"))
    with pytest.raises(DatasetError, match=rf"{VIRTUAL_ID}.*--with-virtual"):
        samples[1]


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_a_broken_mesh_ends_the_run_or_is_listed(boxes, capsys, workers):
    path = break_mesh(boxes, IDS[1])
    command = ["--data", str(boxes), "--workers", str(workers)]
    assert main(command) == 2
    assert str(path) in capsys.readouterr().err
    assert main([*command, "--on-broken", "skip"]) == 0
    captured = capsys.readouterr()
    assert f"left out: mesh of an object: {path}" in captured.err
    assert "1 files broken" in captured.out
    assert pictures(boxes, IDS[0])
    assert pictures(boxes, IDS[2])
    assert not views_folder(boxes, IDS[1], 0).exists()


def test_meshes_that_are_not_in_metres_are_refused(boxes):
    write_object_mesh(boxes, f"box_{IDS[0]}", CORNERS * 1000, FACES)
    with pytest.raises(DatasetError, match="longest side is 100 m"):
        render_object_views(boxes)


def test_the_up_axis_of_views_is_written_down_and_followed(boxes, tmp_path_factory):
    render_object_views(boxes, up_axis="y")
    assert json.loads((boxes / "renders" / "settings.json").read_text()) == {"up_axis": "y", "mesh_folder": "align"}
    turned = pictures(boxes, IDS[0])
    assert np.ptp(OakInkShapeDataset(boxes, "train").cloud(IDS[0])[:, 2]) == pytest.approx(0.06, abs=1e-3)
    with pytest.raises(DatasetError, match="rendered with up axis y"):
        OakInkShapeDataset(boxes, "train", reading=OakInkReading(up_axis="z"))
    with pytest.raises(DatasetError, match="rendered with up axis y"):
        render_object_views(boxes, up_axis="x")

    upright = tmp_path_factory.mktemp("upright")
    write_object_names(upright, {IDS[0]: f"box_{IDS[0]}"})
    write_object_mesh(upright, f"box_{IDS[0]}", CORNERS @ turn_to_z_up("y").T, FACES)
    record = find_grasps(boxes, "train")[0]
    write_grasp(upright, "mug", record.grasp_id, record.source, np.zeros(61))
    render_object_views(upright)
    expected = pictures(upright, IDS[0])
    assert all(np.abs(turned[key].astype(int) - expected[key]).mean() < 0.5 for key in expected)


def test_wrong_arguments(boxes, capsys):
    with pytest.raises(ConfigurationError, match="at least 1"):
        render_object_views(boxes, num_workers=0)
    with pytest.raises(SystemExit):
        main(["--data", str(boxes), "--up-axis", "up"])
    assert "invalid choice: 'up'" in capsys.readouterr().err


def test_a_folder_without_data_ends_with_a_sentence(tmp_path, capsys):
    assert main(["--data", str(tmp_path)]) == 2
    assert "object_id.json is missing" in capsys.readouterr().err
