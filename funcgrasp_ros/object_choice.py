"""Which of a scene's objects is meant. Knows no ROS; metres."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from funcgrasp_core.errors import ObjectHintError


@dataclass(frozen=True)
class ObjectHint:
    """Where the object is that is meant.

    Attributes:
        hint_from_scene: [4, 4], takes points of the scene to a frame that has the hint's point as its origin.
        box_size: [3] edges of a box around the point, along the axes of that frame; None: only the point is meant.
    """

    hint_from_scene: np.ndarray
    box_size: np.ndarray | None = None


def most_central(objects: Sequence[np.ndarray], centre: np.ndarray) -> int:
    """Index of the object whose box has its centre, seen from above, nearest to `centre` [2 or 3]."""
    offsets = [(points.min(axis=0) + points.max(axis=0))[:2] / 2 - centre[:2] for points in objects]
    return int(np.argmin(np.linalg.norm(offsets, axis=1)))


def hinted(objects: Sequence[np.ndarray], hint: ObjectHint, max_distance_m: float) -> int:
    """Index of the object that a hint means.

    With a box it is the one with the most points in the box, otherwise the one that comes nearest to the point.

    Args:
        objects: [n, 3] points each, at least one object.
        hint: what is meant.
        max_distance_m: how far from a hint without a box the object may be.

    Raises:
        ObjectHintError: no object has a point in the box, or comes near enough to the point.
    """
    in_hint_frame = [points @ hint.hint_from_scene[:3, :3].T + hint.hint_from_scene[:3, 3] for points in objects]
    distances = [float(np.linalg.norm(points, axis=1).min()) for points in in_hint_frame]
    nearest = int(np.argmin(distances))
    if hint.box_size is None:
        if distances[nearest] > max_distance_m:
            raise ObjectHintError(
                f"the nearest object is {distances[nearest]:.3f} m from the hint, more than the {max_distance_m:g} m "
                "of the parameter 'max_hint_distance'; correct the hint's point and frame, or give it a box"
            )
        return nearest
    num_inside = [np.count_nonzero((np.abs(points) <= hint.box_size / 2).all(axis=1)) for points in in_hint_frame]
    if max(num_inside) == 0:
        raise ObjectHintError(
            f"no object has a point in the hint's box, the nearest is {distances[nearest]:.3f} m from its middle; "
            "correct the box and its frame, or make it larger"
        )
    return int(np.argmax(num_inside))
