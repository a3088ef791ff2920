"""Penetration, volume and contact against values worked by hand on boxes and spheres, with the known traps."""

import numpy as np
import pytest

from funcgrasp_core.errors import ConfigurationError, InvalidFileError
from training.metrics.contact_ratio import contact_vertices, touches_object
from training.metrics.exact_mesh import ExactMesh
from training.metrics.intersection_volume import (
    fine_intersection_volume,
    intersection_volume,
    solid_voxel_centres,
)
from training.metrics.penetration_depth import penetration_depth

pytest.importorskip("open3d")
trimesh = pytest.importorskip("trimesh")


def box(extents, offset=(0.0, 0.0, 0.0)):
    mesh = trimesh.creation.box(extents)
    return ExactMesh(np.asarray(mesh.vertices) + np.asarray(offset), np.asarray(mesh.faces))


CUBE = box([0.08] * 3)


def test_signed_distance_is_negative_inside_and_exact_on_a_cube():
    points = np.array([[0, 0, 0], [0.03, 0, 0], [0.05, 0, 0], [0.04, 0.04, 0.05]])
    np.testing.assert_allclose(CUBE.signed_distances(points), [-0.04, -0.01, 0.01, 0.01], atol=1e-6)
    np.testing.assert_array_equal(CUBE.contains(points), [True, True, False, False])


def test_the_winding_of_the_faces_does_not_matter():
    inverted = ExactMesh(CUBE.vertices, CUBE.faces[:, ::-1])
    np.testing.assert_allclose(inverted.signed_distances(np.array([[0.03, 0.0, 0.0]])), [-0.01], atol=1e-6)


def test_an_open_mesh_is_refused():
    with pytest.raises(InvalidFileError, match="not watertight"):
        ExactMesh(CUBE.vertices, CUBE.faces[:-1])


def test_penetration_is_the_distance_to_the_surface_and_not_to_a_vertex():
    """1 cm under the middle of a face; the cube's nearest vertex is 5.7 cm away."""
    hand = np.array([[0.03, 0.0, 0.0], [0.2, 0.0, 0.0], [0.035, 0.0, 0.0]])
    assert penetration_depth(hand, CUBE) == pytest.approx(0.01, abs=1e-6)
    assert np.linalg.norm(CUBE.vertices - hand[0], axis=1).min() > 0.057


def test_a_hand_outside_does_not_penetrate():
    assert penetration_depth(np.array([[0.041, 0.0, 0.0], [0.2, 0.0, 0.0]]), CUBE) == 0.0


def test_penetration_of_a_thin_shell_is_at_most_half_a_wall():
    """Why volume is judged beside depth: a finger through a 4 mm wall shows 2 mm."""
    wall = box([0.004, 0.08, 0.08])
    finger = np.stack([np.linspace(-0.02, 0.02, 401), np.zeros(401), np.zeros(401)], axis=-1)
    assert penetration_depth(finger, wall) == pytest.approx(0.002, abs=1e-5)


@pytest.mark.parametrize(("gap_m", "touches"), [(0.0049, True), (0.0051, False), (-0.02, True)])
def test_contact_is_within_five_millimetres_or_inside(gap_m, touches):
    hand = np.array([[0.04 + gap_m, 0.0, 0.0], [0.3, 0.0, 0.0]])
    assert touches_object(hand, CUBE) is touches
    np.testing.assert_array_equal(contact_vertices(hand, CUBE), [touches, False])


def test_voxels_are_filled():
    """trimesh alone gives the shell of 1538 voxels; the solid cube has 17 x 17 x 17."""
    centres = solid_voxel_centres(CUBE)
    assert len(centres) == 4913
    shell = trimesh.Trimesh(CUBE.vertices, CUBE.faces, process=False).voxelized(0.005)
    assert shell.filled_count == 1538


def test_published_intersection_volume_of_a_hand_that_covers_half_the_cube():
    """A box over x < 1 mm of the 17 layers covers the 9 layers with centres at -4.0 ... 0.0 cm."""
    hand = box([0.2, 0.2, 0.2], offset=(-0.099, 0.0, 0.0))
    volume = intersection_volume(solid_voxel_centres(CUBE), hand)
    assert volume == pytest.approx(9 * 17 * 17 * 0.125e-6)


def test_fine_intersection_volume_is_that_of_the_common_box():
    hand = box([0.04, 0.02, 0.2], offset=(0.03, 0.0, 0.0))  # common: x 1 to 4 cm, y 2 cm, z 8 cm
    assert fine_intersection_volume(CUBE, hand) == pytest.approx(0.03 * 0.02 * 0.08, rel=1e-6)
    assert fine_intersection_volume(CUBE, box([0.02] * 3, offset=(0.1, 0, 0))) == 0.0


def test_a_hand_pressed_in_by_one_millimetre_shows_the_excess_of_the_published_volume():
    """16 cm^2 of skin, 1 mm deep: 1.6 cm^3 in truth, 8.3 cm^3 by voxels that reach half a pitch out."""
    pressed, touching = (box([0.02, 0.04, 0.04], offset=(0.05 - depth, 0.0, 0.0)) for depth in (0.001, 0.0))
    assert fine_intersection_volume(CUBE, pressed) == pytest.approx(1.6e-6, rel=1e-3)
    assert fine_intersection_volume(CUBE, touching) < 0.01e-6
    voxels = solid_voxel_centres(CUBE)
    assert intersection_volume(voxels, pressed) == pytest.approx(8.25e-6, rel=0.05)
    assert intersection_volume(voxels, touching) < 2.5e-6


def test_fine_intersection_volume_of_two_spheres_is_their_lens():
    """Two spheres of 3 cm, 3 cm apart: pi (4 r + d) (2 r - d)^2 / 12."""
    sphere = trimesh.creation.icosphere(subdivisions=4, radius=0.03)
    left = ExactMesh(sphere.vertices, sphere.faces)
    right = ExactMesh(np.asarray(sphere.vertices) + np.array([0.03, 0, 0]), sphere.faces)
    lens = np.pi * (4 * 0.03 + 0.03) * (2 * 0.03 - 0.03) ** 2 / 12
    assert fine_intersection_volume(left, right) == pytest.approx(lens, rel=0.03)


def test_the_published_volume_of_a_thin_wall_exceeds_the_fine_one():
    wall, hand = box([0.003, 0.08, 0.08]), box([0.05, 0.04, 0.04])
    published = intersection_volume(solid_voxel_centres(wall), hand)
    assert fine_intersection_volume(wall, hand, 0.0005) == pytest.approx(0.003 * 0.04 * 0.04, rel=0.02)
    assert published > 1.5 * 0.003 * 0.04 * 0.04


def test_a_pitch_of_zero_is_refused():
    with pytest.raises(ConfigurationError, match="pitch is 0"):
        fine_intersection_volume(CUBE, CUBE, 0)
