"""A raw cloud becomes a fixed number of points around the centre of their box, checked for geometric sense."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from funcgrasp_core.errors import (
    CloudFieldsError,
    ConfigurationError,
    EmptyCloudError,
    ImplausibleScaleError,
    NotFiniteError,
)
from funcgrasp_core.geometry.point_sampling import farthest_point_sampling

MIN_POINTS = 32
"""Fewer points do not show a shape."""

MAX_OBJECT_SIDE_M = 1.0
MIN_OBJECT_SIDE_M = 0.005
"""Bounds of the longest side of the object's box."""

CANDIDATES_PER_SAMPLE = 2
"""Farthest-point sampling chooses from a random subset this many times num_points: 50,000 points cost what 2,048 do."""


@dataclass(frozen=True)
class PreparedCloud:
    """What the model sees of an object.

    Attributes:
        points: [num_points, 3] float32 metres, origin at the centre of their axis-aligned box.
        origin: [3] float64, that centre in the frame of the raw cloud.
        num_dropped: how many raw points were not finite.
        notes: sentences about what was done to the cloud.
    """

    points: np.ndarray
    origin: np.ndarray
    num_dropped: int
    notes: tuple[str, ...]


def prepare_cloud(points: np.ndarray, num_points: int = 1024, seed: int | np.random.Generator = 0) -> PreparedCloud:
    """Drops points that are not finite, checks the size, takes exactly num_points, centres them.

    More points are thinned evenly by farthest-point sampling, fewer are repeated at random. The same cloud and seed
    give the same result; the raw cloud is not changed.

    Args:
        points: [N, 3] real numbers, metres, any memory layout.
        num_points: at least 1.
        seed: or a generator, of the random choices.

    Raises:
        CloudFieldsError: not an array [N, 3] of real numbers.
        EmptyCloudError: fewer than MIN_POINTS points, before or after dropping.
        NotFiniteError: no finite point is left.
        ImplausibleScaleError: the longest side of the box is over 1 m or under 5 mm.
    """
    if num_points < 1:
        raise ConfigurationError(f"num_points must be at least 1, got {num_points}")
    finite = _finite_points(points)
    num_dropped = len(points) - len(finite)
    _check_scale(finite)
    generator = np.random.default_rng(seed)
    chosen = torch.from_numpy(finite[_choose(finite, num_points, generator)])
    centred, origin = centre_on_box(chosen[None])
    return PreparedCloud(
        points=centred[0].numpy().astype(np.float32),
        origin=origin[0].numpy(),
        num_dropped=num_dropped,
        notes=_notes(num_dropped, len(finite), num_points),
    )


def centre_on_box(points: Tensor) -> tuple[Tensor, Tensor]:
    """Moves the origin to the centre of the axis-aligned box: points [B, N, 3] -> centred [B, N, 3], centres [B, 3]."""
    centres = (points.amin(dim=1) + points.amax(dim=1)) / 2
    return points - centres.unsqueeze(1), centres


def _finite_points(points: np.ndarray) -> np.ndarray:
    """The finite points [n, 3] as float64, at least MIN_POINTS."""
    points = np.asarray(points)
    if points.size == 0:
        raise EmptyCloudError("the cloud has no points: check the sensor, the crop box and the segmentation")
    if points.ndim != 2 or points.shape[1] != 3 or points.dtype.kind not in "fiu":
        raise CloudFieldsError(
            f"the cloud must be an array [N, 3] of real numbers x, y, z, got shape {points.shape} of {points.dtype}"
        )
    finite = points[np.isfinite(points).all(axis=1)].astype(np.float64, copy=False)
    if len(finite) == 0:
        raise NotFiniteError(
            f"none of the {len(points)} points is finite: the sensor saw nothing within its range, "
            "move it or the object"
        )
    if len(finite) < MIN_POINTS:
        raise EmptyCloudError(
            f"the cloud has {len(finite)} finite points of {len(points)}, at least {MIN_POINTS} are needed: "
            "move the sensor closer or loosen the segmentation"
        )
    return finite


def _check_scale(points: np.ndarray) -> None:
    # halved first: the largest floats would overflow
    longest_side = 2 * max(float(column.max() / 2 - column.min() / 2) for column in points.T)
    if longest_side > MAX_OBJECT_SIDE_M:
        in_millimetres = longest_side / 1000
        looks = (
            f"it looks like millimetres ({in_millimetres:.3g} m): divide by 1000"
            if MIN_OBJECT_SIDE_M <= in_millimetres <= MAX_OBJECT_SIDE_M
            else "give one object without its surroundings, in metres"
        )
        raise ImplausibleScaleError(
            f"the cloud's longest side is {longest_side:.4g} m, more than the {MAX_OBJECT_SIDE_M:g} m of an object "
            f"that a hand grasps; {looks}"
        )
    if longest_side < MIN_OBJECT_SIDE_M:
        raise ImplausibleScaleError(
            f"the cloud's longest side is {longest_side:.4g} m, less than {MIN_OBJECT_SIDE_M:g} m: "
            "give the points in metres, of a whole object"
        )


def _choose(points: np.ndarray, num_points: int, generator: np.random.Generator) -> np.ndarray:
    """Indices [num_points] into points [n, 3]."""
    if len(points) <= num_points:
        repeated = generator.integers(len(points), size=num_points - len(points))
        return np.concatenate([np.arange(len(points)), repeated])
    num_candidates = min(len(points), CANDIDATES_PER_SAMPLE * num_points)
    candidates = generator.choice(len(points), size=num_candidates, replace=False, shuffle=True)
    centred, _ = centre_on_box(torch.from_numpy(points[candidates])[None])
    return candidates[farthest_point_sampling(centred.float(), num_points)[0].numpy()]


def _notes(num_dropped: int, num_finite: int, num_points: int) -> tuple[str, ...]:
    notes = []
    if num_dropped:
        notes.append(f"Dropped {num_dropped} of {num_dropped + num_finite} points that were not finite.")
    if num_finite < num_points:
        notes.append(f"The cloud has only {num_finite} points; some were repeated to give {num_points}.")
    return tuple(notes)
