"""Objects a few percent larger or smaller, with the hand where it touches them.

A hand does not grow with the object. It keeps its size and pose and follows the surface that it touches: it moves by
what the scaling moves the centre of its contact. Touched points at a distance r from that centre then shift against
the hand by |scale - 1| r, 1.2 mm for 3 % and r = 40 mm, so that a grasp stays a grasp for a few percent only; the
distances of contact are computed anew, exactly.
"""

import torch
from torch import Tensor

from training.data.augmentation import move_vectors

CONTACT_LENGTH_M = 0.010
"""A point counts to the centre of contact by exp(-distance / this)."""


def contact_centres(points: Tensor, distances: Tensor) -> Tensor:
    """Where hands touch: the mean of the points, each weighted by how near the hand is.

    Args:
        points: [..., P, 3] metres.
        distances: [..., P, 6] metres, to the parts of the hand.

    Returns:
        [..., 3] metres.
    """
    weights = torch.softmax(-distances.float().amin(dim=-1) / CONTACT_LENGTH_M, dim=-1)
    return (weights[..., None] * points).sum(dim=-2)


def follow_scaling(vectors: Tensor, centres: Tensor, scales: Tensor) -> Tensor:
    """Grasps of objects that were scaled about the origin.

    Args:
        vectors: [..., 61] MANO vectors on the objects as they were.
        centres: [..., 3] of contact, on the objects as they were.
        scales: [...] factors.
    """
    return move_vectors(vectors, (scales[..., None] - 1) * centres)
