"""The displacement under gravity along six directions: what one direction passes by luck, six do not."""

from dataclasses import dataclass

import numpy as np

from training.metrics.grasp_physics import SIX_DIRECTIONS, displacement_under_gravity

_PUBLISHED_DIRECTION_INDEX = 1  # +y


@dataclass(frozen=True)
class SixDisplacements:
    """Displacements of one grasp, metres.

    Attributes:
        mean: over the six directions.
        worst: of the six directions.
        published: of the published direction alone, +y of the mesh frame.
    """

    mean: float
    worst: float
    published: float


def displacement_six(
    hand_vertices: np.ndarray,
    closed_faces: np.ndarray,
    convex_pieces: list[np.ndarray],
    centre: np.ndarray | None = None,
) -> SixDisplacements:
    """Let the object fall along +-x, +-y and +-z; arguments as in `displacement_under_gravity`."""
    values = displacement_under_gravity(hand_vertices, closed_faces, convex_pieces, SIX_DIRECTIONS, centre)
    return SixDisplacements(float(values.mean()), float(values.max()), float(values[_PUBLISHED_DIRECTION_INDEX]))
