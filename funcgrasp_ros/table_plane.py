"""Finds the plane that the objects of a scene stand on. Knows no ROS; metres, z up."""

from dataclasses import dataclass

import numpy as np

MIN_TABLE_AREA_M2 = 0.04
"""A plane whose points cover less is part of an object, not what it stands on."""

AREA_CELL_M = 0.01
"""Side of the squares that are counted for the area."""

UNDERSIDE_DEPTH_M = 0.10
MAX_UNDERSIDE_SHARE = 0.2
"""Where so many points, measured by those on the plane, lie right below it, it is the top of a box."""

NUM_HYPOTHESES = 512
NUM_SCORING_POINTS = 4000
NUM_REFINEMENTS = 3
SEED = 0
"""The same scene always gives the same plane."""


@dataclass(frozen=True)
class Plane:
    """Points p with normal . p = offset.

    Attributes:
        normal: [3] unit vector, pointing up.
        offset: metres.
    """

    normal: np.ndarray
    offset: float

    def heights(self, points: np.ndarray) -> np.ndarray:
        """Signed distances [N] of points [N, 3], positive above the plane."""
        return points @ self.normal - self.offset


def find_table(points: np.ndarray, tolerance_m: float, max_tilt_rad: float) -> Plane | None:
    """The largest nearly horizontal plane, by random sample consensus.

    Args:
        points: [N, 3] finite, evenly spaced (a voxel grid's), so that their number measures area.
        tolerance_m: points nearer to the plane lie on it.
        max_tilt_rad: largest angle between the plane's normal and z.

    Returns:
        None if no plane is so horizontal, covers MIN_TABLE_AREA_M2 and has little right below it.
    """
    if len(points) < 3:
        return None
    generator = np.random.default_rng(SEED)
    plane = _best_hypothesis(points, tolerance_m, max_tilt_rad, generator)
    for _ in range(NUM_REFINEMENTS):
        if plane is None:
            return None
        plane = _fitted(points[np.abs(plane.heights(points)) <= tolerance_m], max_tilt_rad)
    return plane if plane is not None and _carries_objects(plane, points, tolerance_m) else None


def _best_hypothesis(
    points: np.ndarray, tolerance_m: float, max_tilt_rad: float, generator: np.random.Generator
) -> Plane | None:
    """The plane through three points that has the most others on it."""
    corners = points[generator.integers(len(points), size=(NUM_HYPOTHESES, 3))]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    lengths = np.linalg.norm(normals, axis=1)
    is_level = np.abs(normals[:, 2]) > np.cos(max_tilt_rad) * np.maximum(lengths, 1e-12)
    if not is_level.any():
        return None
    normals = normals[is_level] / lengths[is_level, None]
    normals *= np.sign(normals[:, 2:])
    offsets = np.sum(normals * corners[is_level, 0], axis=1)
    sample = points[generator.permutation(len(points))[:NUM_SCORING_POINTS]]
    num_on_plane = np.count_nonzero(np.abs(sample @ normals.T - offsets) <= tolerance_m, axis=0)
    best = int(num_on_plane.argmax())
    return Plane(normals[best], float(offsets[best]))


def _fitted(points: np.ndarray, max_tilt_rad: float) -> Plane | None:
    """The plane nearest to points [n, 3] by least squares; None if it is not level."""
    if len(points) < 3:
        return None
    centre = points.mean(axis=0)
    normal = np.linalg.eigh(np.cov((points - centre).T))[1][:, 0]
    if abs(normal[2]) < np.cos(max_tilt_rad):
        return None
    normal = normal * np.sign(normal[2])
    return Plane(normal, float(normal @ centre))


def _carries_objects(plane: Plane, points: np.ndarray, tolerance_m: float) -> bool:
    """Whether the plane is as wide as a table, and no object's top."""
    heights = plane.heights(points)
    is_on_plane = np.abs(heights) <= tolerance_m
    cells = np.unique(np.floor(points[is_on_plane, :2] / AREA_CELL_M).astype(np.int64), axis=0)
    is_right_below = (heights < -tolerance_m) & (heights > -UNDERSIDE_DEPTH_M)
    is_wide = len(cells) * AREA_CELL_M**2 >= MIN_TABLE_AREA_M2
    return is_wide and bool(is_right_below.sum() <= MAX_UNDERSIDE_SHARE * is_on_plane.sum())
