"""The displacement is calibrated: free fall, a closed grip, a floor; and its known traps are shown."""

import numpy as np
import pytest
from scipy.spatial import Delaunay

from funcgrasp_core.errors import ConfigurationError
from training.metrics.convex_decomposition import FINE_RESOLUTION, PUBLISHED_RESOLUTION, decompose_mesh
from training.metrics.grasp_physics import PUBLISHED_DIRECTIONS, SIX_DIRECTIONS, displacement_under_gravity

pytest.importorskip("pybullet")
trimesh = pytest.importorskip("trimesh")

CUBE_SIDE_M = 0.06
FREE_FALL_M = 0.5 * 9.8 * (35 * 36) / 240**2  # the sum of 35 semi-implicit Euler steps, without damping


def cube_pieces(offset=(0.0, 0.0, 0.0)):
    return [np.asarray(trimesh.creation.box([CUBE_SIDE_M] * 3).vertices) + np.asarray(offset)]


def plates(axes_and_sides, overlap_m=0.0005):
    """Slabs of 2 cm that press on the cube's sides; finely meshed, as a hand is."""
    slabs = []
    for axis, side in axes_and_sides:
        extents = np.full(3, 0.10)
        extents[axis] = 0.02
        slab = trimesh.creation.box(extents).subdivide().subdivide()
        slab.apply_translation(np.eye(3)[axis] * side * (CUBE_SIDE_M / 2 + 0.01 - overlap_m))
        slabs.append(slab)
    together = trimesh.util.concatenate(slabs)
    return np.asarray(together.vertices), np.asarray(together.faces)


ALL_SIDES = [(axis, side) for axis in range(3) for side in (-1, 1)]


def test_an_object_that_nothing_holds_falls_10_7_cm_in_every_direction():
    vertices, faces = plates(ALL_SIDES)
    displacements = displacement_under_gravity(vertices + 1.0, faces, cube_pieces())
    np.testing.assert_allclose(displacements, FREE_FALL_M, atol=0.0005)
    assert abs(FREE_FALL_M - 0.107) < 0.0005


def test_an_object_in_a_closed_grip_stays():
    vertices, faces = plates(ALL_SIDES)
    assert displacement_under_gravity(vertices, faces, cube_pieces()).max() < 0.002


def test_friction_of_two_pressing_plates_holds_against_gravity_along_them():
    vertices, faces = plates([(0, -1), (0, 1)])
    assert displacement_under_gravity(vertices, faces, cube_pieces()).max() < 0.002


def test_a_floor_passes_the_published_direction_but_not_six():
    """A hand that lies on the +y side catches what falls along +y and nothing else."""
    vertices, faces = plates([(1, 1)], overlap_m=0.0)
    published = displacement_under_gravity(vertices, faces, cube_pieces(), PUBLISHED_DIRECTIONS)
    six = displacement_under_gravity(vertices, faces, cube_pieces(), SIX_DIRECTIONS)
    assert published[0] < 0.002
    assert six.mean() > 0.05


def test_the_position_in_the_frame_does_not_count():
    """The way |p_end - p_start| is measured, not |p_end|: an object 40 cm from its frame's origin scores the same."""
    vertices, faces = plates(ALL_SIDES)
    offset = np.array([0.3, -0.2, 0.15])
    here = displacement_under_gravity(vertices, faces, cube_pieces())
    there = displacement_under_gravity(vertices + offset, faces, cube_pieces(offset))
    assert there.max() < 0.002
    assert abs(here.mean() - there.mean()) < 0.002


def test_the_same_call_gives_the_same_value_whatever_came_before():
    vertices, faces = plates([(0, -1), (0, 1), (2, 1)])
    first = displacement_under_gravity(vertices, faces, cube_pieces())
    displacement_under_gravity(vertices + 1.0, faces, cube_pieces((0.1, 0, 0)))
    np.testing.assert_array_equal(first, displacement_under_gravity(vertices, faces, cube_pieces()))


def test_an_object_of_two_pieces_is_one_body():
    """The grip holds one of two cubes that touch each other: the other one does not fall off."""
    vertices, faces = plates([(0, -1), (0, 1), (1, -1), (1, 1)])
    pieces = cube_pieces() + cube_pieces((0.0, 0.0, CUBE_SIDE_M))
    assert displacement_under_gravity(vertices, faces, pieces, SIX_DIRECTIONS[2:3])[0] < 0.004


def test_the_given_centre_of_mass_is_where_the_object_turns_about():
    """On a narrow support an object tips when its centre of mass lies beside it and stays when above."""
    post = trimesh.creation.box([0.02, 0.02, 0.02]).subdivide().subdivide()
    post.apply_translation([0, 0, -CUBE_SIDE_M / 2 - 0.01])
    down = np.array([[0.0, 0.0, -1.0]])
    vertices, faces = np.asarray(post.vertices), np.asarray(post.faces)
    above = displacement_under_gravity(vertices, faces, cube_pieces(), down, centre=np.zeros(3))
    beside = displacement_under_gravity(vertices, faces, cube_pieces(), down, centre=np.array([0.028, 0.0, 0.0]))
    assert above[0] < 0.002
    assert beside[0] > 0.01


def test_no_pieces_and_broken_hands_are_refused():
    vertices, faces = plates(ALL_SIDES)
    with pytest.raises(ConfigurationError, match="convex_pieces is empty"):
        displacement_under_gravity(vertices, faces, [])
    vertices[3, 1] = np.nan
    with pytest.raises(ConfigurationError, match="NaN"):
        displacement_under_gravity(vertices, faces, cube_pieces())


@pytest.mark.slow
def test_the_published_resolution_fills_a_cup_s_wall_inward_and_the_fine_one_does_not(tmp_path):
    """Why judgement uses the fine decomposition: 5.3 mm of the hollow of a mug's wall are filled, against 0.9 mm."""
    inner_radius = 0.0345
    wall = trimesh.creation.annulus(r_min=inner_radius, r_max=0.038, height=0.09, sections=48)
    filled_m = {
        resolution: _filled_depth(decompose_mesh(wall.vertices, wall.faces, resolution, tmp_path), inner_radius)
        for resolution in (PUBLISHED_RESOLUTION, FINE_RESOLUTION)
    }
    assert filled_m[PUBLISHED_RESOLUTION] > 0.004
    assert filled_m[FINE_RESOLUTION] < 0.002


def _filled_depth(pieces, inner_radius):
    """How far pieces reach from the inner wall towards the axis, at half height."""
    angles = np.linspace(0, 2 * np.pi, 360, endpoint=False)
    circle = np.stack([np.cos(angles), np.sin(angles), np.zeros_like(angles)], axis=-1)
    hulls = [Delaunay(piece) for piece in pieces]
    depths = np.arange(0.0, inner_radius, 0.0005)
    return max(d for d in depths if any((hull.find_simplex(circle * (inner_radius - d)) >= 0).any() for hull in hulls))


def test_a_decomposition_is_read_back_from_the_cache(tmp_path):
    box = trimesh.creation.box([0.05, 0.05, 0.05])
    first = decompose_mesh(box.vertices, box.faces, PUBLISHED_RESOLUTION, cache_folder=tmp_path)
    files = list(tmp_path.glob("*.npz"))
    stamp = files[0].stat().st_mtime_ns
    again = decompose_mesh(box.vertices, box.faces, PUBLISHED_RESOLUTION, cache_folder=tmp_path)
    assert len(files) == 1
    assert files[0].stat().st_mtime_ns == stamp
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    np.testing.assert_allclose(np.concatenate(first).max(axis=0), 0.025, atol=0.002)


def test_a_resolution_out_of_range_is_refused():
    box = trimesh.creation.box([0.05, 0.05, 0.05])
    with pytest.raises(ConfigurationError, match="resolution is 10"):
        decompose_mesh(box.vertices, box.faces, resolution=10)
