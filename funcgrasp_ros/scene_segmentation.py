"""Cuts one object out of the cloud of a scene. Knows no ROS; metres, in a frame whose z points up.

The workspace is cut out, the table and what is below it taken away, the rest parted into clusters, and one of them
chosen. Nothing is filled in: the model knows partial clouds. Wherever it ends, the answer says where each point went.
"""

from dataclasses import dataclass, field

import numpy as np

from funcgrasp_core.errors import (
    EmptyCloudError,
    MissingDependencyError,
    NotFiniteError,
    ObjectHintError,
    ObjectNotFoundError,
)
from funcgrasp_core.preprocessing.object_cloud import MAX_OBJECT_SIDE_M
from funcgrasp_ros.object_choice import ObjectHint, hinted, most_central
from funcgrasp_ros.table_plane import MIN_TABLE_AREA_M2, find_table

CELLS_IN_GAP = 4
MAX_CELL_M = 0.005
"""Clusters are found on a grid with at least so many cells in a gap: time does not grow with the camera's pixels."""

MIN_CELLS_NEARBY = 4
"""A cell with fewer cells within a gap, itself included, is noise unless it belongs to the edge of a cluster."""


@dataclass(frozen=True)
class SegmentationConfig:
    """How a scene is taken apart.

    Attributes:
        workspace_min: lowest x, y, z of what is looked at, metres.
        workspace_max: highest x, y, z.
        table_tolerance_m: points nearer to the table's plane belong to the table.
        max_table_tilt_rad: a plane that is steeper is no table.
        cluster_gap_m: how far two objects must be apart to be told apart.
        min_object_points: smaller clusters are not taken for objects.
        max_hint_distance_m: how far from a hinted point the object may be.
    """

    workspace_min: tuple[float, ...] = (-1.0, -1.0, -0.5)
    workspace_max: tuple[float, ...] = (1.0, 1.0, 1.0)
    table_tolerance_m: float = 0.01
    max_table_tilt_rad: float = 0.17
    cluster_gap_m: float = 0.02
    min_object_points: int = 100
    max_hint_distance_m: float = 0.05


@dataclass(frozen=True)
class SegmentedObject:
    """One object of a scene.

    Attributes:
        points: [n, 3] those of the scene's points that are the object's, unchanged.
        note: a sentence that says where every point of the scene went.
    """

    points: np.ndarray
    note: str


@dataclass
class PointTally:
    """Where the points of a scene went, for people: "9 points: 3 outside of the workspace, 6 on the table"."""

    num_points: int
    parts: list[str] = field(default_factory=list)

    def add(self, num_points: int | np.integer, where: str) -> None:
        """Notes that points went somewhere; none are not worth a word."""
        if num_points:
            self.parts.append(f"{num_points:,} {where}")

    def __str__(self) -> str:
        return f"{self.num_points:,} points: {', '.join(self.parts)}"


def segment_object(points: np.ndarray, config: SegmentationConfig, hint: ObjectHint | None = None) -> SegmentedObject:
    """The points of one object.

    Args:
        points: [N, 3] of the whole scene, points that are not finite included; not changed.
        config: how the scene is taken apart.
        hint: which object is meant; None: the one that is, seen from above, nearest to the workspace's middle.

    Raises:
        EmptyCloudError, NotFiniteError: there is nothing to look at.
        ObjectNotFoundError: nothing is left that can be an object.
        ObjectHintError: no object is where the hint says.
        MissingDependencyError: open3d is not installed.
    """
    if len(points) == 0:
        raise EmptyCloudError("The scene's cloud has no points; check the sensor and its topic.")
    tally = PointTally(len(points))
    is_finite = np.isfinite(points).all(axis=1)
    if not is_finite.any():
        raise NotFiniteError(f"None of the scene's {len(points):,} points is finite; move the sensor or the objects.")
    tally.add(np.count_nonzero(~is_finite), "not finite")
    inside = _inside_workspace(points[is_finite], config, tally)
    standing = _above_table(inside, config, tally)
    objects = _objects(standing, config, tally)
    try:
        chosen = _choose(objects, config, hint)
    except ObjectHintError as error:
        tally.add(sum(map(len, objects)), f"in {_counted(len(objects), 'object')}")
        raise ObjectHintError(f"{tally}; {error}.") from None
    tally.add(sum(map(len, objects)) - len(objects[chosen]), f"in {_counted(len(objects) - 1, 'other object')}")
    tally.add(len(objects[chosen]), "of the hinted object" if hint else "of the most central object")
    return SegmentedObject(objects[chosen], f"{tally}.")


def cluster_labels(points: np.ndarray, gap_m: float) -> np.ndarray:
    """Which cluster each point belongs to: DBSCAN on the cells of a grid.

    Args:
        points: [N, 3] finite.
        gap_m: clusters whose points are farther apart are separate.

    Returns:
        [N] numbers from 0; -1 for noise.

    Raises:
        MissingDependencyError: open3d is not installed.
    """
    open3d = import_open3d()
    if len(points) == 0:
        return np.zeros(0, dtype=np.int64)
    cells, cell_of_point = _grid_cells(points, min(gap_m / CELLS_IN_GAP, MAX_CELL_M))
    cloud = open3d.geometry.PointCloud(open3d.utility.Vector3dVector(cells))
    labels = np.asarray(cloud.cluster_dbscan(eps=gap_m, min_points=MIN_CELLS_NEARBY))
    return labels[cell_of_point]


def import_open3d():
    """The module open3d, which takes seconds to load for the first time.

    Raises:
        MissingDependencyError: it is not installed.
    """
    try:
        import open3d
    except ImportError as error:
        raise MissingDependencyError(
            "Scenes are parted into objects by open3d, which is not installed: pip install 'funcgrasp[scene]', or send "
            "clouds of one object and set the parameter 'object_source' to 'cloud'."
        ) from error
    return open3d


def _inside_workspace(points: np.ndarray, config: SegmentationConfig, tally: PointTally) -> np.ndarray:
    is_inside = ((points >= config.workspace_min) & (points <= config.workspace_max)).all(axis=1)
    tally.add(np.count_nonzero(~is_inside), "outside of the workspace")
    if not is_inside.any():
        lowest, highest = (_position(extreme) for extreme in (points.min(axis=0), points.max(axis=0)))
        raise ObjectNotFoundError(
            f"{tally}; the points lie between {lowest} and {highest}, the workspace between "
            f"{_position(config.workspace_min)} and {_position(config.workspace_max)}. Correct the parameters "
            "'workspace_min' and 'workspace_max', in metres and in the planning frame, or the camera's transform."
        )
    return points[is_inside]


def _above_table(points: np.ndarray, config: SegmentationConfig, tally: PointTally) -> np.ndarray:
    cells, _ = _grid_cells(points, MAX_CELL_M)
    table = find_table(cells, config.table_tolerance_m, config.max_table_tilt_rad)
    if table is None:
        tally.parts.append(f"no table (a level plane of {MIN_TABLE_AREA_M2:g} m2) found")
        return points
    heights = table.heights(points)
    is_above, is_below = heights > config.table_tolerance_m, heights < -config.table_tolerance_m
    tally.add(np.count_nonzero(~is_above & ~is_below), "on the table")
    tally.add(np.count_nonzero(is_below), "below the table")
    if not is_above.any():
        raise ObjectNotFoundError(
            f"{tally}; nothing stands on the table. Check that the object is in view and in the workspace, or lower "
            f"the parameter 'table_tolerance' ({config.table_tolerance_m:g} m) for a flat one."
        )
    return points[is_above]


def _objects(points: np.ndarray, config: SegmentationConfig, tally: PointTally) -> list[np.ndarray]:
    """The clusters that can be objects, at least one."""
    labels = cluster_labels(points, config.cluster_gap_m)
    small, large, objects = [], [], []
    for cluster in (points[labels == label] for label in range(labels.max() + 1)):
        if len(cluster) < config.min_object_points:
            small.append(cluster)
        elif np.ptp(cluster, axis=0).max() > MAX_OBJECT_SIDE_M:  # a wall, an arm, a person
            large.append(cluster)
        else:
            objects.append(cluster)
    tally.add(np.count_nonzero(labels < 0), "of scattered noise")
    tally.add(sum(map(len, small)), f"in {_counted(len(small), 'cluster')} too small")
    tally.add(sum(map(len, large)), f"in {_counted(len(large), 'cluster')} longer than {MAX_OBJECT_SIDE_M:g} m")
    if not objects:
        raise ObjectNotFoundError(
            f"{tally}; no cluster can be an object. If clusters are too small, move the camera closer, lower the "
            f"parameter 'min_object_points' ({config.min_object_points}) or raise 'cluster_gap' "
            f"({config.cluster_gap_m:g} m); if they are too long or no table was found, correct the workspace and see "
            "that the planning frame's z points up."
        )
    return objects


def _choose(objects: list[np.ndarray], config: SegmentationConfig, hint: ObjectHint | None) -> int:
    if hint is not None:
        return hinted(objects, hint, config.max_hint_distance_m)
    return most_central(objects, (np.array(config.workspace_min) + np.array(config.workspace_max)) / 2)


def _grid_cells(points: np.ndarray, cell_m: float) -> tuple[np.ndarray, np.ndarray]:
    """Mean points [M, 3] of the occupied cells of a cubic grid, float64, and each point's cell [N]."""
    lowest = points.min(axis=0)
    indices = np.floor((points - lowest) / cell_m).astype(np.int64)
    num_y, num_z = indices[:, 1:].max(axis=0) + 1
    keys = (indices[:, 0] * num_y + indices[:, 1]) * num_z + indices[:, 2]
    _, cell_of_point, num_points = np.unique(keys, return_inverse=True, return_counts=True)
    sums = [np.bincount(cell_of_point, weights=column) for column in points.T]
    return np.stack(sums, axis=1) / num_points[:, None], cell_of_point


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _position(position) -> str:
    return f"({', '.join(f'{value:.3g}' for value in position)}) m"
