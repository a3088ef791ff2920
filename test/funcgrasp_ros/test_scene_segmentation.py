import sys

import numpy as np
import open3d
import pytest
from sample_scenes import box, cylinder, scatter, scene, table

from funcgrasp_core.errors import (
    EmptyCloudError,
    MissingDependencyError,
    NotFiniteError,
    ObjectHintError,
    ObjectNotFoundError,
)
from funcgrasp_core.visualisation.mesh_renderer import look_at
from funcgrasp_ros.object_choice import ObjectHint
from funcgrasp_ros.scene_segmentation import SegmentationConfig, cluster_labels, segment_object

CONFIG = SegmentationConfig(workspace_min=(-0.5, -0.5, -0.2), workspace_max=(0.5, 0.5, 0.6))
MUG = cylinder(centre=(0.02, 0.03))
CRATE = box(centre=(-0.2, 0.1), size=(0.08, 0.08, 0.12))


def hint_at(position, box_size=None) -> ObjectHint:
    matrix = np.eye(4)
    matrix[:3, 3] = -np.asarray(position)
    return ObjectHint(matrix, None if box_size is None else np.array(box_size))


def is_part_of(points: np.ndarray, whole: np.ndarray) -> bool:
    """Whether each point is one of the whole's, bit by bit."""
    rows = {tuple(row) for row in whole.astype(np.float32).tolist()}
    return all(tuple(row) in rows for row in points.tolist())


def counted(note: str) -> int:
    """The sum of the points that a note says went somewhere."""
    total, _, parts = note.rstrip(".").partition(" points: ")
    numbers = [int(part.split()[0].replace(",", "")) for part in parts.split(", ")]
    assert sum(numbers) == int(total.replace(",", "")), note
    return sum(numbers)


def test_a_mug_on_a_table_is_cut_out():
    result = segment_object(scene(table(), MUG, scatter()), CONFIG)
    assert is_part_of(result.points, MUG)
    # What stands within the table's tolerance goes with the table.
    assert len(result.points) > 0.88 * len(MUG)
    assert result.points[:, 2].min() > 0.008
    assert result.points.dtype == np.float32
    assert counted(result.note) == len(table()) + len(MUG) + 40
    assert "on the table" in result.note
    assert "of the most central object" in result.note


def test_of_several_objects_the_most_central_is_taken():
    points = scene(table(), MUG, CRATE, cylinder(centre=(0.2, -0.1), seed=5))
    result = segment_object(points, CONFIG)
    assert is_part_of(result.points, MUG)
    assert "in 2 other objects" in result.note
    shifted = SegmentationConfig(workspace_min=(-0.8, -0.4, -0.2), workspace_max=(0.3, 0.5, 0.6))
    assert is_part_of(segment_object(points, shifted).points, CRATE)


@pytest.mark.parametrize(
    "hint",
    [hint_at((-0.2, 0.06, 0.06)), hint_at((-0.2, 0.1, 0.06), (0.1, 0.1, 0.2))],
    ids=["a point on its side", "a box around it"],
)
def test_a_hint_chooses_the_object(hint):
    result = segment_object(scene(table(), MUG, CRATE), CONFIG, hint)
    assert is_part_of(result.points, CRATE)
    assert "of the hinted object" in result.note
    assert "in 1 other object," in result.note


@pytest.mark.parametrize(
    ("hint", "message"),
    [
        (hint_at((0.3, -0.3, 0.05)), "nearest object is 0.393 m from the hint, more than the 0.05 m"),
        (hint_at((0.3, -0.3, 0.05), (0.1, 0.1, 0.1)), "no object has a point in the hint's box"),
    ],
)
def test_a_hint_beside_every_object_is_refused_with_the_points_counted(hint, message):
    with pytest.raises(ObjectHintError, match=message) as refusal:
        segment_object(scene(table(), MUG), CONFIG, hint)
    assert "in 1 object;" in str(refusal.value)
    assert "on the table" in str(refusal.value)


def test_the_box_of_a_hint_turns_with_its_frame():
    # A quarter turn about z: the box's long side lies along the scene's y, where the crate is not.
    turned = np.eye(4)
    turned[:3, :3] = [[0, 1, 0], [-1, 0, 0], [0, 0, 1]]
    turned[:3, 3] = turned[:3, :3] @ -np.array([0.0, 0.1, 0.06])
    points = scene(table(), CRATE)
    long_box = np.array([0.5, 0.05, 0.05])
    with pytest.raises(ObjectHintError):
        segment_object(points, CONFIG, ObjectHint(turned, long_box))
    assert is_part_of(segment_object(points, CONFIG, hint_at((0.0, 0.1, 0.06), long_box)).points, CRATE)


def test_only_a_table_says_that_nothing_stands_on_it():
    with pytest.raises(ObjectNotFoundError, match="nothing stands on the table") as refusal:
        segment_object(scene(table(noise=0.0005)), CONFIG)
    assert f"{len(table()):,} on the table" in str(refusal.value)


def test_points_outside_of_the_workspace_tell_where_they_are():
    with pytest.raises(ObjectNotFoundError, match="outside of the workspace") as refusal:
        segment_object(scene(table(), MUG) + np.float32(3.0), CONFIG)
    assert f"{len(table()) + len(MUG):,} outside of the workspace" in str(refusal.value)
    assert "between (2.7, 2.8, 3) m and" in str(refusal.value)
    assert "'workspace_min'" in str(refusal.value)


def test_clusters_too_small_are_counted():
    crumbs = [cylinder(centre=(x, 0.1), radius=0.01, height=0.03, num_points=60, seed=9) for x in (-0.1, 0.0, 0.1)]
    with pytest.raises(ObjectNotFoundError, match=r"in 3 clusters too small.*'min_object_points' \(100\)"):
        segment_object(scene(table(), *crumbs), CONFIG)


def test_a_wall_is_not_taken_for_an_object():
    wall = box(centre=(0.0, 0.4), bottom=0.05, size=(1.2, 0.01, 0.3), spacing=0.01)
    wide = SegmentationConfig(workspace_min=(-1, -1, -0.2), workspace_max=(1, 1, 0.6))
    result = segment_object(scene(table(), wall, cylinder(centre=(0.1, -0.1))), wide)
    assert "in 1 cluster longer than 1 m" in result.note
    assert is_part_of(result.points, cylinder(centre=(0.1, -0.1)))


def test_without_a_table_the_objects_are_found_and_the_note_says_so():
    result = segment_object(scene(MUG, CRATE), CONFIG)
    assert "no table" in result.note
    assert len(result.points) == len(MUG)


def test_what_is_below_the_table_is_left_out():
    floor_box = box(centre=(0.0, 0.0), bottom=-0.19, size=(0.05, 0.05, 0.05))
    result = segment_object(scene(table(), MUG, floor_box), CONFIG)
    assert f"{len(floor_box):,} below the table" in result.note
    assert is_part_of(result.points, MUG)


def test_points_that_are_not_finite_are_counted_and_left_out():
    points = scene(table(), MUG)
    points[:5] = np.nan
    points[5:7, 1] = np.inf
    result = segment_object(points, CONFIG)
    assert result.note.startswith(f"{len(points):,} points: 7 not finite, ")
    assert np.isfinite(result.points).all()


@pytest.mark.parametrize(
    ("points", "error"),
    [
        (np.zeros((0, 3), dtype=np.float32), EmptyCloudError),
        (np.full((9, 3), np.nan, dtype=np.float32), NotFiniteError),
    ],
)
def test_nothing_to_look_at_is_said(points, error):
    with pytest.raises(error):
        segment_object(points, CONFIG)


def test_the_argument_is_not_changed_and_the_same_scene_gives_the_same_object():
    points = scene(table(), MUG, scatter())
    before = points.copy()
    first, second = (segment_object(points, CONFIG) for _ in range(2))
    np.testing.assert_array_equal(points, before)
    np.testing.assert_array_equal(first.points, second.points)
    assert first.note == second.note


def depth_camera_picture(solids: dict, eye, noise: float) -> tuple[np.ndarray, np.ndarray, dict[str, int]]:
    """What a depth camera sees of open3d meshes: points [N, 3], the solid of each, and the solids' numbers."""
    scene_of_rays = open3d.t.geometry.RaycastingScene()
    numbers = {
        name: scene_of_rays.add_triangles(open3d.t.geometry.TriangleMesh.from_legacy(solid))
        for name, solid in solids.items()
    }
    matrix = np.array([[300.0, 0, 159.5], [0, 300.0, 119.5], [0, 0, 1]])
    camera_from_scene = np.linalg.inv(look_at(np.array(eye), np.zeros(3), (0, 0, 1)))
    rays = scene_of_rays.create_rays_pinhole(
        open3d.core.Tensor(matrix), open3d.core.Tensor(camera_from_scene), 320, 240
    )
    hits = scene_of_rays.cast_rays(rays)
    depths = hits["t_hit"].numpy().ravel().astype(np.float64)
    # The noise of stereo cameras grows with the square of the distance.
    depths += np.random.default_rng(0).normal(0, noise, depths.shape) * np.where(np.isfinite(depths), depths, 0) ** 2
    starts, directions = rays.numpy().reshape(-1, 6)[:, :3], rays.numpy().reshape(-1, 6)[:, 3:]
    points = starts + directions * np.where(np.isfinite(depths), depths, np.nan)[:, None]
    return points.astype(np.float32), hits["geometry_ids"].numpy().ravel(), numbers


def block(size, centre, bottom=0.0):
    solid = open3d.geometry.TriangleMesh.create_box(*size)
    return solid.translate((centre[0] - size[0] / 2, centre[1] - size[1] / 2, bottom))


@pytest.mark.parametrize("eye", [(0.0, -0.9, 0.7), (0.6, -0.6, 0.5), (-0.3, -0.4, 1.0)])
@pytest.mark.parametrize("noise", [0.0, 0.003])
def test_in_a_cluttered_room_the_points_of_the_mug_are_found(eye, noise):
    mug = open3d.geometry.TriangleMesh.create_cylinder(0.04, 0.1).translate((0.02, 0.02, 0.05))
    solids = {
        "floor": block((6, 6, 0.01), (0, 0), -0.76),
        "wall": block((6, 0.01, 3), (0, 1.5), -0.76),
        "table": block((1.2, 0.8, 0.03), (0, 0), -0.03),
        "mug": mug,
        "crate": block((0.2, 0.15, 0.1), (-0.25, 0.1)),
        "book": block((0.24, 0.17, 0.025), (0.3, 0.2)),
    }
    points, solid_of_point, numbers = depth_camera_picture(solids, eye, noise)
    result = segment_object(points, SegmentationConfig())
    mug_points = {tuple(point) for point in points[solid_of_point == numbers["mug"]].tolist()}
    found = {tuple(point) for point in result.points.tolist()}
    assert len(found & mug_points) > 0.99 * len(found), result.note
    # The lowest centimetre goes with the table.
    assert len(found & mug_points) > 0.85 * len(mug_points), result.note


def test_clusters_are_apart_by_more_than_the_gap():
    row = np.stack([np.arange(0, 0.1, 0.002), np.zeros(50), np.zeros(50)], axis=1)
    near, far = (np.concatenate([row, row + np.array([0.1 + gap, 0, 0])]) for gap in (0.01, 0.04))
    assert set(cluster_labels(near, 0.02)) == {0}
    labels = cluster_labels(far, 0.02)
    assert [set(labels[:50]), set(labels[50:])] in ([{0}, {1}], [{1}, {0}])


def test_without_open3d_the_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "open3d", None)
    with pytest.raises(MissingDependencyError, match=r"funcgrasp\[scene\]"):
        segment_object(scene(table(), MUG), CONFIG)
