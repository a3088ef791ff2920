"""Convex pieces of solids and shells of revolution, of bent tubes and of boxes, for physics engines."""

import itertools
from collections.abc import Sequence

import numpy as np

NUM_WEDGES = 20
"""Wedges around an axis: the chord of a wedge stays within 1.2 % of the radius."""


def shell_wedges(knots: np.ndarray, thickness: float, num_wedges: int = NUM_WEDGES) -> list[np.ndarray]:
    """Pieces of a thin wall of revolution around z.

    Args:
        knots: [K, 2] radius and height of the wall's middle line; segments that start on the axis become discs.
        thickness: of the wall, metres.
        num_wedges: around the axis.
    """
    pieces = []
    for start, end in itertools.pairwise(knots):
        direction = (end - start) / np.linalg.norm(end - start)
        corners = _capsule_outline(start, end, direction, thickness / 2)
        if start[0] < thickness:
            corners[:, 0] = corners[:, 0].clip(min=0.0)
            pieces.append(_revolve(corners, np.linspace(0, 2 * np.pi, num_wedges, endpoint=False)))
            continue
        for wedge in range(num_wedges):
            angles = np.array([wedge, wedge + 1]) * 2 * np.pi / num_wedges
            pieces.append(_revolve(corners, angles))
    return pieces


def solid_frusta(knots: np.ndarray, num_corners: int = 2 * NUM_WEDGES) -> list[np.ndarray]:
    """Stacked truncated cones of a solid of revolution around z: one piece per segment of knots [K, 2]."""
    angles = np.linspace(0, 2 * np.pi, num_corners, endpoint=False)
    return [_revolve(knots[index : index + 2], angles) for index in range(len(knots) - 1)]


def tube_segments(centre_line: np.ndarray, sideways: np.ndarray, half_flat: float, radius: float) -> list[np.ndarray]:
    """Pieces of a flat tube (see `shapes.flat_tube_distance`).

    Args:
        centre_line: [n, 3] points.
        sideways: [3] unit vector perpendicular to the plane that the tube is bent in.
        half_flat: half width of the flat band along `sideways`.
        radius: of the rounded sides.
    """
    angles = np.linspace(0, 2 * np.pi, 12, endpoint=False)
    across = radius * np.sin(angles) + half_flat * np.sign(np.round(np.sin(angles), 9))
    tangents = np.gradient(centre_line, axis=0)
    normals = np.cross(tangents / np.linalg.norm(tangents, axis=1, keepdims=True), sideways)
    rings = (
        centre_line[:, None] + radius * np.cos(angles)[None, :, None] * normals[:, None] + across[:, None] * sideways
    )
    return [np.concatenate([rings[index], rings[index + 1]]) for index in range(len(rings) - 1)]


def rounded_box_piece(centre: Sequence[float], half_sizes: Sequence[float], rounding: float) -> np.ndarray:
    """Corner points of a box with its edges cut like a rounded one's."""
    outer, inner = np.asarray(half_sizes), np.asarray(half_sizes) - rounding
    diagonal = inner + rounding / np.sqrt(3.0)
    edges = inner + rounding / np.sqrt(2.0)
    corners = [diagonal]
    for axis in range(3):
        face = inner.copy()
        face[axis] = outer[axis]
        edge = edges.copy()
        edge[axis] = inner[axis]
        corners += [face, edge]
    signs = np.stack(np.meshgrid([-1, 1], [-1, 1], [-1, 1], indexing="ij"), axis=-1).reshape(-1, 1, 3)
    return (np.asarray(corners)[None] * signs).reshape(-1, 3) + np.asarray(centre)


def _capsule_outline(start: np.ndarray, end: np.ndarray, direction: np.ndarray, radius: float) -> np.ndarray:
    """Ten corners around the segment from `start` to `end`, at distance `radius`, with rounded ends."""
    normal = np.array([direction[1], -direction[0]])
    angles = np.linspace(-np.pi / 2, np.pi / 2, 5)[:, None]
    cap = radius * (np.cos(angles) * direction + np.sin(angles) * normal)
    return np.concatenate([end + cap, start - cap])


def _revolve(radius_height: np.ndarray, angles: np.ndarray) -> np.ndarray:
    radius, height = radius_height[:, None, 0], radius_height[:, None, 1]
    turned = [radius * np.cos(angles), radius * np.sin(angles), np.broadcast_to(height, (len(height), len(angles)))]
    return np.stack(turned, axis=-1).reshape(-1, 3)
