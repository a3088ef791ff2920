"""Whether a grasp touches the part that its instruction calls for; geometric, judged by no language model."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from training.metrics.contact_ratio import contact_vertices
from training.metrics.exact_mesh import ExactMesh

MAJORITY = 0.5
"""More than this share of the contact vertices has to lie on the part."""

SMALL_PART_SHARE = 0.5
"""A pair of category and intent counts if its part is less than this share of the surface: elsewhere luck suffices."""

NO_PART = -1


@dataclass(frozen=True)
class TouchedPart:
    """Where a grasp touches.

    Attributes:
        part: index of the part under most contact vertices, NO_PART without contact or majority.
        shares: [parts] share of the contact vertices on each part; zeros without contact.
    """

    part: int
    shares: np.ndarray


def touched_part(
    hand_vertices: np.ndarray,
    object_mesh: ExactMesh,
    part_labels: Callable[[np.ndarray], np.ndarray],
    num_parts: int,
) -> TouchedPart:
    """The part that holds the majority of a grasp's contact vertices.

    Args:
        hand_vertices: [V, 3] metres, in the object's frame.
        object_mesh: the exact object.
        part_labels: gives [n] part indices of points [n, 3]: the nearest part of each.
        num_parts: of the object.
    """
    points = hand_vertices[contact_vertices(hand_vertices, object_mesh)]
    if len(points) == 0:
        return TouchedPart(NO_PART, np.zeros(num_parts))
    shares = np.bincount(part_labels(points), minlength=num_parts) / len(points)
    largest = int(shares.argmax())
    return TouchedPart(largest if shares[largest] > MAJORITY else NO_PART, shares)


def mean_over_pairs(
    correct: Sequence[bool], pairs: Sequence[tuple[str, str]], part_surface_share: Mapping[tuple[str, str], float]
) -> float:
    """Mean over pairs of category and intent of the share of right grasps.

    Args:
        correct: for each grasp, whether the part that it touches is the one called for.
        pairs: (category, intent) of each grasp.
        part_surface_share: share of the surface that the pair's part takes; pairs of half or more are left out.

    Returns:
        In [0, 1]; NaN if no pair counts.
    """
    by_pair: dict[tuple[str, str], list[bool]] = {}
    for is_correct, pair in zip(correct, pairs, strict=True):
        if part_surface_share[pair] < SMALL_PART_SHARE:
            by_pair.setdefault(pair, []).append(bool(is_correct))
    return float(np.mean([np.mean(values) for values in by_pair.values()])) if by_pair else float("nan")
