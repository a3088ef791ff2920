"""Views of a data set that has none: rendered for all splits, kept when rendered again."""

import numpy as np
import pytest

pytest.importorskip("open3d", reason="rendering needs open3d")
pytest.importorskip("trimesh", reason="reading meshes needs trimesh")

from training.data.oakink import OakInkShapeDataset
from training.data.oakink_layout import SPLITS, GraspSource
from training.data.oakink_writer import make_grasp_id, write_grasp, write_object_mesh, write_object_names
from training.data.procedural_objects import object_ids
from training.data.render_object_views import main
from training.data.view_rendering import VIEW_YAWS_DEG, views_folder

CORNERS = np.array([[x, y, z] for x in (0.0, 0.1) for y in (0.0, 0.06) for z in (0.0, 0.04)])
FACES = np.array(
    [
        (0, 1, 3), (0, 3, 2), (4, 6, 7), (4, 7, 5), (0, 4, 5), (0, 5, 1),
        (2, 3, 7), (2, 7, 6), (0, 2, 6), (0, 6, 4), (1, 5, 7), (1, 7, 3),
    ]
)  # fmt: skip


def test_every_split_is_rendered_once(tmp_path, capsys):
    ids = [object_ids("mug", split, 1)[0] for split in SPLITS]
    write_object_names(tmp_path, {object_id: f"box_{object_id}" for object_id in ids})
    for object_id in ids:
        write_object_mesh(tmp_path, f"box_{object_id}", CORNERS, FACES)
        source = GraspSource("pass1", object_id, "use", "0001", "2021-01-01")
        write_grasp(tmp_path, "mug", make_grasp_id(object_id, "use", 0), source, np.zeros(61))
    assert main(["--data", str(tmp_path)]) == 0
    assert "3 objects" in capsys.readouterr().out
    for split in SPLITS:
        view = OakInkShapeDataset(tmp_path, split, yaw_deg=VIEW_YAWS_DEG[1])[0]["object_images"]["top"]
        assert view.shape == (224, 224, 3)
        assert (np.abs(view.astype(int) - view[0, 0]).max(axis=-1) > 5).mean() > 0.1
    picture = views_folder(tmp_path, ids[0], 0) / "front.png"
    before = picture.stat().st_mtime_ns
    assert main(["--data", str(tmp_path)]) == 0
    assert picture.stat().st_mtime_ns == before


def test_a_folder_without_data_ends_with_a_sentence(tmp_path, capsys):
    assert main(["--data", str(tmp_path)]) == 2
    assert "object_id.json is missing" in capsys.readouterr().err
