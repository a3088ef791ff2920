"""Which points of a cloud one camera sees, without a mesh.

Katz, Tal and Basri, "Direct Visibility of Point Sets", SIGGRAPH 2007: points are mirrored at a large sphere around the
camera; those on the convex hull of the mirrored points and the camera are visible.
"""

import numpy as np
import torch
from torch import Tensor

CAMERA_DISTANCE_M = 0.6
"""From the camera to the origin of the object."""

SPHERE_RADIUS_FACTOR = 100.0
"""Radius of the sphere by the distance of the farthest point: larger ones see deeper into hollows."""


def visible_points(points: Tensor, camera: Tensor) -> Tensor:
    """Whether a camera sees each point: points [P, 3] and camera [3] metres -> [P] bool."""
    from scipy.spatial import ConvexHull

    offsets = (points - camera).double().numpy()
    distance = np.linalg.norm(offsets, axis=1, keepdims=True)
    mirrored = offsets * (2 * SPHERE_RADIUS_FACTOR * distance.max() - distance) / distance
    hull = ConvexHull(np.concatenate([mirrored, np.zeros((1, 3))]))
    visible = torch.zeros(len(points) + 1, dtype=torch.bool)
    visible[torch.from_numpy(hull.vertices.astype(np.int64))] = True
    return visible[:-1]


def camera_above(direction: Tensor) -> Tensor:
    """Where a camera stands that looks at the origin: normal numbers [..., 3] -> [..., 3] metres, never below."""
    upward = torch.cat([direction[..., :2], direction[..., 2:].abs()], dim=-1)
    return CAMERA_DISTANCE_M * torch.nn.functional.normalize(upward, dim=-1)
