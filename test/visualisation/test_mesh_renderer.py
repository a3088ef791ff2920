"""Ray-cast pictures: orientation, depth, ids, projection."""

import numpy as np
import pytest

pytest.importorskip("open3d", reason="rendering needs open3d")

from funcgrasp_core.visualisation.mesh_renderer import (
    NO_GEOMETRY,
    ColouredMesh,
    MeshRenderer,
    PinholeCamera,
    focal_from_field_of_view,
    look_at,
    render_meshes,
)

SIZE = 64


def small_cube(centre, half=0.02, colour=(1.0, 0.0, 0.0)):
    corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) * half + np.array(centre)
    faces = np.array(
        [
            (0, 1, 3), (0, 3, 2), (4, 6, 7), (4, 7, 5), (0, 4, 5), (0, 5, 1),
            (2, 3, 7), (2, 7, 6), (0, 2, 6), (0, 6, 4), (1, 5, 7), (1, 7, 3),
        ]
    )  # fmt: skip
    return ColouredMesh(corners, faces, np.array(colour))


def camera_from(position, up, size=SIZE):
    return PinholeCamera(look_at(position, (0, 0, 0), up), size, size, focal_from_field_of_view(0.5, size))


@pytest.mark.parametrize(
    ("position", "up", "cube_centre", "corner"),
    [
        ((0, -1, 0), (0, 0, 1), (0.15, 0, 0.15), "upper right"),  # front: +x to the right, +z up
        ((0, 1, 0), (0, 0, 1), (0.15, 0, 0.15), "upper left"),
        ((-1, 0, 0), (0, 0, 1), (0, -0.15, 0.15), "upper right"),
        ((1, 0, 0), (0, 0, 1), (0, -0.15, -0.15), "lower left"),
        ((0, 0, 1), (0, 1, 0), (0.15, 0.15, 0), "upper right"),
        ((0, 0, -1), (0, 1, 0), (0.15, 0.15, 0), "upper left"),
    ],
)
def test_a_red_cube_appears_in_the_expected_corner(position, up, cube_centre, corner):
    rgb = render_meshes([small_cube(cube_centre)], camera_from(position, up), supersampling=1).rgb.astype(int)
    rows, columns = np.nonzero((rgb[..., 0] > 60) & (rgb[..., 1] < 30))
    assert len(rows) > 10
    assert (rows.max() < SIZE / 2) == corner.startswith("upper")
    assert (columns.min() > SIZE / 2) == corner.endswith("right")


def test_depth_ids_and_projection_agree():
    camera = camera_from((0.3, -0.8, 0.4), (0, 0, 1))
    meshes = [small_cube((0, 0, 0), 0.08), small_cube((0.1, -0.1, 0.1), 0.01, (0, 1, 0))]
    seen = MeshRenderer(meshes).render(camera)
    assert set(np.unique(seen.geometry_ids)) == {NO_GEOMETRY, 0, 1}
    assert np.isinf(seen.depth[seen.geometry_ids == NO_GEOMETRY]).all()
    rows, columns = np.nonzero(seen.geometry_ids == 0)
    depth = seen.depth[rows, columns]
    pixels = np.stack([columns, rows], axis=-1) - np.array(camera.principal_point)
    in_camera = np.concatenate([pixels / camera.focal_px, np.ones((len(rows), 1))], axis=1) * depth[:, None]
    world = in_camera @ camera.world_from_camera[:3, :3].T + camera.world_from_camera[:3, 3]
    assert np.allclose(np.abs(world).max(axis=1), 0.08, atol=1e-5)
    projected, projected_depth = camera.project(world)
    assert np.allclose(projected, np.stack([columns, rows], axis=-1), atol=1e-3)
    assert np.allclose(projected_depth, depth, atol=1e-5)


def test_nearer_mesh_hides_the_farther_one():
    camera = camera_from((0, -1, 0), (0, 0, 1))
    seen = MeshRenderer([small_cube((0, 0.2, 0)), small_cube((0, -0.2, 0))]).render(camera)
    assert seen.geometry_ids[SIZE // 2, SIZE // 2] == 1


def test_vertex_colours_are_interpolated_and_edges_smoothed_by_supersampling():
    mesh = small_cube((0, 0, 0), 0.1)
    colours = np.where(mesh.vertices[:, 2:] > 0, [[1.0, 1.0, 1.0]], [[0.0, 0.0, 0.0]])
    camera = camera_from((0, -1, 0), (0, 0, 1))
    rgb = render_meshes([ColouredMesh(mesh.vertices, mesh.faces, colours)], camera, supersampling=1).rgb
    middle_column = rgb[SIZE // 2 - 8 : SIZE // 2 + 8, SIZE // 2, 0].astype(int)
    assert (np.diff(middle_column) <= 0).all()
    assert middle_column[0] > middle_column[-1] + 40
    tilted = camera_from((0.3, -0.8, 0.4), (0, 0, 1))
    black = ColouredMesh(mesh.vertices, mesh.faces, np.zeros(3))
    assert set(np.unique(render_meshes([black], tilted, supersampling=1).rgb)) == {0, 255}
    assert len(np.unique(render_meshes([black], tilted, supersampling=3).rgb)) > 4
