"""Which way is up in the meshes of a data set, and the turn into the planning frame, where it is z."""

from typing import Literal, get_args

import numpy as np

from funcgrasp_core.errors import ConfigurationError

UpAxis = Literal["x", "-x", "y", "-y", "z", "-z"]
UP_AXES: tuple[UpAxis, ...] = get_args(UpAxis)

_TURNS: dict[str, tuple[tuple[int, int, int], ...]] = {
    "z": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "-z": ((1, 0, 0), (0, -1, 0), (0, 0, -1)),
    "y": ((1, 0, 0), (0, 0, -1), (0, 1, 0)),
    "-y": ((1, 0, 0), (0, 0, 1), (0, -1, 0)),
    "x": ((0, 0, -1), (0, 1, 0), (1, 0, 0)),
    "-x": ((0, 0, 1), (0, 1, 0), (-1, 0, 0)),
}


def turn_to_z_up(up_axis: str) -> np.ndarray:
    """The rotation [3, 3] float32 that brings an axis of the mesh frame to +z by the shortest way.

    Raises:
        ConfigurationError: the axis is none of UP_AXES.
    """
    if up_axis not in _TURNS:
        raise ConfigurationError(f"up_axis must be one of {', '.join(UP_AXES)}, not '{up_axis}'")
    return np.array(_TURNS[up_axis], dtype=np.float32)
