"""Guesses which axis of a data set's meshes points up, from objects that stand on a round foot.

A bottle, bowl or glass is round about its upright axis: the sides of its box across that axis are equal and the third
differs. Which end is up follows from where the surface is wide: bowls and cups open upward, bottles taper upward.
"""

from collections.abc import Iterable

import numpy as np

NARROW_AT_TOP = ("bottle", "cylinder_bottle", "lotion_pump")
WIDE_AT_TOP = ("bowl", "cup")
ROUND_CATEGORIES = (*NARROW_AT_TOP, *WIDE_AT_TOP)
"""OakInk's categories whose objects are nearly round about the upright axis."""

_LARGEST_DIFFERENCE = 0.06
"""Two sides of a box count as equal if they differ by less than this share."""

_SMALLEST_DIFFERENCE = 0.2
"""The third side must differ by at least this share."""


def upright_axis(vertices: np.ndarray, category: str) -> str | None:
    """The up axis of one object, "x" to "-z"; None where its shape does not tell.

    Args:
        vertices: [V, 3] of its mesh.
        category: one of ROUND_CATEGORIES; others do not tell.
    """
    if category not in ROUND_CATEGORIES:
        return None
    low, sides = vertices.min(axis=0), np.ptp(vertices, axis=0)
    for axis in range(3):
        first, second = np.delete(sides, axis)
        across = (first + second) / 2
        if abs(first - second) < _LARGEST_DIFFERENCE * across and abs(sides[axis] - across) > (
            _SMALLEST_DIFFERENCE * across
        ):
            height = (vertices[:, axis] - low[axis]) / sides[axis]
            centre = low + sides / 2
            radius = np.linalg.norm(np.delete(vertices - centre, axis, axis=1), axis=1)
            top, bottom = radius[height > 0.9], radius[height < 0.1]
            is_wide_at_high_end = top.max() > bottom.max()
            points_up = is_wide_at_high_end == (category in WIDE_AT_TOP)
            return ("" if points_up else "-") + "xyz"[axis]
    return None


def vote_for_up_axis(axes: Iterable[str | None]) -> tuple[str, int, int] | None:
    """The axis that most objects tell, how many do, and how many told any; None where none did."""
    told = [axis for axis in axes if axis is not None]
    if not told:
        return None
    winner = max(sorted(set(told)), key=told.count)
    return winner, told.count(winner), len(told)
