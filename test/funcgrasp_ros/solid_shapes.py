"""Meshes of the shapes that RViz draws by itself: balls for points, rods for lines, arrows."""

import numpy as np
from scipy.spatial import ConvexHull

from funcgrasp_core.visualisation.mesh_renderer import ColouredMesh

NUM_SIDES = 12


def balls(points: np.ndarray, colours: np.ndarray, radius: float) -> ColouredMesh:
    """An icosahedron round each point [N, 3], colours [N, 3]; smooth shading makes balls of them."""
    corners, triangles = _icosahedron()
    vertices = (points[:, None] + radius * corners).reshape(-1, 3)
    faces = (len(corners) * np.arange(len(points))[:, None, None] + triangles).reshape(-1, 3)
    return ColouredMesh(vertices, faces, np.repeat(colours, len(corners), axis=0))


def rods(starts: np.ndarray, ends: np.ndarray, colours: np.ndarray, radius: float) -> ColouredMesh:
    """A cylinder from each of `starts` [N, 3] to each of `ends`, colours [N, 3]."""
    return joined(
        [_cone(start, end, colour, radius, radius) for start, end, colour in zip(starts, ends, colours, strict=True)]
    )


def arrow(
    start: np.ndarray,
    end: np.ndarray,
    colour: np.ndarray,
    shaft_radius: float,
    head_radius: float,
    head_length: float,
) -> ColouredMesh:
    """A shaft and a head, as RViz makes them of a marker with two points."""
    neck = end - head_length * (end - start) / np.linalg.norm(end - start)
    shaft, head = (
        _cone(start, neck, colour, shaft_radius, shaft_radius),
        _cone(neck, end, colour, head_radius, 0.0),
    )
    return joined([shaft, head])


def joined(meshes: list[ColouredMesh]) -> ColouredMesh:
    """All meshes as one."""
    offsets = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes[:-1])])
    return ColouredMesh(
        np.concatenate([mesh.vertices for mesh in meshes]),
        np.concatenate([mesh.faces + offset for mesh, offset in zip(meshes, offsets, strict=True)]),
        np.concatenate([mesh.colours for mesh in meshes]),
    )


def _icosahedron() -> tuple[np.ndarray, np.ndarray]:
    """Corners [12, 3] at distance 1 and outward triangles [20, 3]."""
    golden = (1 + 5**0.5) / 2
    rectangle = np.array([(0, 1, golden), (0, 1, -golden), (0, -1, golden), (0, -1, -golden)])
    corners = np.concatenate([np.roll(rectangle, shift, axis=1) for shift in range(3)])
    corners /= np.linalg.norm(corners[0])
    triangles = ConvexHull(corners).simplices
    is_inward = np.linalg.det(corners[triangles]) < 0
    triangles[is_inward] = triangles[is_inward][:, ::-1]
    return corners, triangles


def _cone(start: np.ndarray, end: np.ndarray, colour: np.ndarray, start_radius: float, end_radius: float):
    """A closed cone or cylinder."""
    along = (end - start) / np.linalg.norm(end - start)
    across = np.cross(along, np.eye(3)[np.abs(along).argmin()])
    across /= np.linalg.norm(across)
    angles = 2 * np.pi * np.arange(NUM_SIDES)[:, None] / NUM_SIDES
    circle = np.cos(angles) * across + np.sin(angles) * np.cross(along, across)
    vertices = np.concatenate([start + start_radius * circle, end + end_radius * circle, [start, end]])
    here = np.arange(NUM_SIDES)
    there = (here + 1) % NUM_SIDES
    first_cap, last_cap = np.full(NUM_SIDES, 2 * NUM_SIDES), np.full(NUM_SIDES, 2 * NUM_SIDES + 1)
    faces = np.concatenate(
        [
            np.stack([here, there, here + NUM_SIDES], axis=1),
            np.stack([there, there + NUM_SIDES, here + NUM_SIDES], axis=1),
            np.stack([there, here, first_cap], axis=1),
            np.stack([here + NUM_SIDES, there + NUM_SIDES, last_cap], axis=1),
        ]
    )
    return ColouredMesh(vertices, faces, np.tile(colour, (len(vertices), 1)))
