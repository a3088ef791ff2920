"""Rendered views: slots, framing, yaws, storage."""

import numpy as np
import pytest
import torch
from PIL import Image

pytest.importorskip("open3d", reason="rendering needs open3d")
pytest.importorskip("skimage", reason="meshing needs scikit-image")

from funcgrasp_core.contracts import VIEW_SLOTS
from funcgrasp_core.preprocessing.object_views import rotate_view_slots
from training.data.object_families import FAMILIES, mesh_from_parameters
from training.data.view_rendering import (
    FRAMING_MARGIN,
    part_colours,
    render_views,
    slot_camera,
    store_views,
    views_folder,
)


@pytest.fixture(scope="module")
def mug():
    family = FAMILIES["mug"]
    parameters = family.sample_parameters(1, torch.Generator().manual_seed(8))
    vertices, faces = mesh_from_parameters(family, parameters, spacing_m=0.003)
    return vertices, faces, family.part_labels(torch.from_numpy(vertices)[None], parameters)[0].numpy()


def handle_in_red(parts):
    return np.where((parts == 0)[:, None], [[1.0, 0.0, 0.0]], [[0.0, 0.0, 1.0]])


def red_columns_and_rows(picture):
    rows, columns = np.nonzero((picture[..., 0] > 50) & (picture[..., 1] < 40) & (picture[..., 2] < 40))
    return columns, rows


def test_handle_appears_where_the_slots_say(mug):
    vertices, faces, parts = mug
    views = render_views(vertices, faces, handle_in_red(parts), yaw_deg=0, seed=0, size_px=96)
    assert list(views) == list(VIEW_SLOTS)
    middle = {slot: red_columns_and_rows(view)[0].mean() for slot, view in views.items() if slot != "left"}
    assert middle["front"] > 60  # the handle is at +x, to the right of a camera at -y
    assert middle["back"] < 36
    assert abs(middle["right"] - 47.5) < 2
    assert middle["top"] > 60
    assert middle["bottom"] < 36
    assert len(red_columns_and_rows(views["left"])[0]) == 0


def test_yaw_turns_the_object_about_z(mug):
    vertices, faces, parts = mug
    turned = render_views(vertices, faces, handle_in_red(parts), yaw_deg=90, seed=0, size_px=96)
    _, rows = red_columns_and_rows(turned["top"])
    assert rows.mean() < 36  # +y is up in the top view


def test_a_quarter_turn_permutes_the_slots(mug):
    vertices, faces, parts = mug
    stacked = [
        np.stack(list(render_views(vertices, faces, handle_in_red(parts), yaw_deg, seed=0, size_px=96).values()))
        for yaw_deg in (0, 30, 90, 120)
    ]
    straight, oblique, *turned = (views.astype(int) for views in stacked)
    for before, after in ((straight, turned[0]), (oblique, turned[1])):
        permuted = rotate_view_slots(torch.from_numpy(before), 1).numpy()
        difference = np.abs(permuted - after).max(axis=-1)
        assert (difference[:4] > 12).mean() < 0.01
        outlines = [np.abs(views - views[:, :1, :1]).max(axis=-1) > 25 for views in (permuted, after)]
        assert (outlines[0] != outlines[1]).mean() < 0.01  # from above and below the light does not turn


def test_object_fills_the_picture_but_for_the_margin(mug):
    vertices, _, _ = mug
    for slot in VIEW_SLOTS:
        pixels, depth = slot_camera(slot, vertices, 200).project(vertices)
        assert (depth > 0.3).all()
        reach = np.abs(pixels - 99.5).max()
        assert reach == pytest.approx(100 / (1 + 2 * FRAMING_MARGIN), abs=0.1)


def test_colours_are_seeded_and_varied():
    assert np.array_equal(part_colours(3, 5), part_colours(3, 5))
    many = np.stack([part_colours(3, seed) for seed in range(40)])
    assert ((many >= 0) & (many <= 1)).all()
    of_one_material = (many == many[:, :1]).all(axis=(1, 2))
    assert 0.2 < of_one_material.mean() < 0.9
    assert np.ptp(many, axis=0).min() > 0.4


def test_stored_views_are_kept_and_missing_ones_are_redrawn(mug, tmp_path):
    vertices, faces, parts = mug
    store_views(tmp_path, "MG0001", vertices, faces, parts, seed=3, yaws_deg=(0, 30))
    first, second = (views_folder(tmp_path, "MG0001", yaw) for yaw in (0, 30))
    assert sorted(path.name for path in first.iterdir()) == sorted(f"{slot}.png" for slot in VIEW_SLOTS)
    original = (second / "top.png").read_bytes()
    assert np.asarray(Image.open(second / "top.png")).shape == (224, 224, 3)
    Image.new("RGB", (2, 2)).save(first / "front.png")
    (second / "top.png").unlink()
    store_views(tmp_path, "MG0001", vertices, faces, parts, seed=3, yaws_deg=(0, 30))
    assert Image.open(first / "front.png").size == (2, 2)
    assert (second / "top.png").read_bytes() == original
