"""Every kind of broken file of an OakInk-Shape folder: refused by name, or left out and listed with its reason."""

import re

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("trimesh", reason="reading meshes needs trimesh")

from funcgrasp_core.contracts import VIEW_SLOTS
from funcgrasp_core.errors import DatasetError
from training.data.oakink import OakInkShapeDataset
from training.data.oakink_index import find_grasps, find_mesh, read_object_names
from training.data.oakink_reading import OakInkReading
from training.data.view_rendering import VIEW_YAWS_DEG, views_folder

SKIP = OakInkReading(on_broken="skip")


@pytest.fixture
def rendered(example_copy):
    """With one-coloured pictures for views."""
    for object_id in {record.object_id for record in find_grasps(example_copy, "all")}:
        for yaw_deg in VIEW_YAWS_DEG:
            folder = views_folder(example_copy, object_id, yaw_deg)
            folder.mkdir(parents=True)
            for slot in VIEW_SLOTS:
                Image.new("RGB", (8, 8), "grey").save(folder / f"{slot}.png")
    return example_copy


def break_hand(root, record):
    record.hand_file.write_bytes(b"\x80\x04 no pickle")
    return record.hand_file, "is no pickle"


def lose_hand(root, record):
    record.hand_file.unlink()
    return record.hand_file, "is missing"


def break_source(root, record):
    path = record.hand_file.parent / "source.txt"
    path.write_text("who knows")
    return path, "found 'who knows'"


def lose_source(root, record):
    path = record.hand_file.parent / "source.txt"
    path.unlink()
    return path, "is missing or unreadable"


def break_mesh(root, record):
    path = find_mesh(root, read_object_names(root), record.object_id)
    path.write_bytes(b"ply\nformat ascii 1.0\nelement vertex 3\nend_header\n0 0")
    return path.parent, "cannot be read as a mesh|no triangles"


def lose_mesh(root, record):
    path = find_mesh(root, read_object_names(root), record.object_id)
    path.unlink()
    return path.parent, "no .obj or .ply"


def break_cloud(root, record):
    path = root / "clouds" / f"{record.object_id}.npy"
    path.parent.mkdir()
    np.save(path, np.zeros((5, 3)))
    return path, "expected 4096 finite points, found shape"


def truncate_cloud(root, record):
    path = root / "clouds" / f"{record.object_id}.npy"
    path.parent.mkdir()
    path.write_bytes(b"")
    return path, "cannot be read as a NumPy array"


def break_view(root, record):
    path = views_folder(root, record.object_id, 30) / "top.png"
    path.write_bytes(b"\x89PNG nothing")
    return path.parent.parent, r"top.png is damaged"


def lose_view(root, record):
    path = views_folder(root, record.object_id, 0) / "top.png"
    path.unlink()
    return path.parent.parent, r"top.png is missing: render the views first"


OF_A_GRASP = (break_hand, lose_hand, break_source, lose_source)
OF_AN_OBJECT = (break_mesh, lose_mesh, break_cloud, truncate_cloud, break_view, lose_view)


@pytest.mark.parametrize("damage", [*OF_A_GRASP, *OF_AN_OBJECT])
def test_broken_files_are_left_out_and_listed(rendered, damage):
    before = OakInkShapeDataset(rendered, "train", num_points=16)
    record = next(r for r in before.records if r.category == "bottle")
    path, reason = damage(rendered, record)
    after = OakInkShapeDataset(rendered, "train", num_points=16, reading=SKIP)
    assert [broken.path for broken in after.broken_files] == [path]
    assert re.search(reason, after.broken_files[0].reason)
    lost = [r for r in before.records if r not in after.records]
    if damage in OF_A_GRASP:
        assert lost == [record]
    else:
        assert lost == [r for r in before.records if r.object_id == record.object_id]
    assert after[0]["object_images"].keys() == set(VIEW_SLOTS)


@pytest.mark.parametrize("damage", [*OF_A_GRASP, *OF_AN_OBJECT])
def test_broken_files_are_refused_by_name(rendered, damage):
    record = next(r for r in find_grasps(rendered, "train") if r.category == "bottle")
    path, reason = damage(rendered, record)

    def read_everything():
        dataset = OakInkShapeDataset(rendered, "train", num_points=16)
        for index in range(len(dataset)):
            dataset[index]
            dataset.views(dataset.records[index].object_id, 30)

    with pytest.raises(DatasetError, match=reason) as failure:
        read_everything()
    assert path.name in str(failure.value) or record.object_id in str(failure.value)


def test_nothing_broken_leaves_everything(rendered):
    assert OakInkShapeDataset(rendered, "val", reading=SKIP).broken_files == ()
    assert OakInkShapeDataset(rendered, "val", reading=SKIP).records == OakInkShapeDataset(rendered, "val").records


def test_where_nothing_is_left_the_error_tells_why(example_copy):
    with pytest.raises(DatasetError, match=r"no grasp of split 'test'.*files are broken") as failure:
        OakInkShapeDataset(example_copy, "test", reading=SKIP)
    assert f"python -m training.data.render_object_views --data {example_copy}" in str(failure.value)


def test_missing_views_name_the_very_command(example_copy):
    reading = OakInkReading(with_virtual=True, up_axis="y", mesh_folder="align_ds")
    dataset = OakInkShapeDataset(example_copy, "train", num_points=16, reading=reading)
    expected = (
        f"python -m training.data.render_object_views --data {example_copy} --with-virtual --up-axis=y "
        "--mesh-folder align_ds"
    )
    with pytest.raises(DatasetError) as failure:
        dataset[0]
    assert expected in str(failure.value)


def test_what_is_left_out_is_logged(rendered, caplog):
    record = find_grasps(rendered, "val")[0]
    path, _ = break_hand(rendered, record)
    OakInkShapeDataset(rendered, "val", reading=SKIP)
    assert [entry.levelname for entry in caplog.records] == ["WARNING"]
    assert caplog.messages[0].startswith(f"val: left out: {path} is no pickle")
