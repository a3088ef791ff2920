"""Which points lie inside a closed hand mesh, by winding numbers; fast because far points are ruled out first."""

import math

import torch
from torch import Tensor

_NEAR_SKIN_M = 0.005
"""A point that the nearest face's plane puts further outside than this is outside: hands have no deeper dents."""

_MAX_SOLID_ANGLES = 2_000_000
"""Solid angles computed at once; bounds the memory to about 100 MB."""


def winding_numbers(points: Tensor, vertices: Tensor, faces: Tensor) -> Tensor:
    """How many times a closed mesh winds around each point: 1 inside, 0 outside, 2 where it overlaps itself.

    Van Oosterom and Strackee, "The Solid Angle of a Plane Triangle", 1983.

    Args:
        points: [P, 3].
        vertices: [V, 3].
        faces: [F, 3] closed, outward.

    Returns:
        [P].
    """
    corners = vertices[faces]
    numbers = []
    for chunk in points.split(max(1, _MAX_SOLID_ANGLES // len(faces))):
        a, b, c = (corners[None, :, k] - chunk[:, None] for k in range(3))
        length_a, length_b, length_c = (side.norm(dim=-1) for side in (a, b, c))
        volume = (a * torch.linalg.cross(b, c, dim=-1)).sum(-1)
        spread = length_a * length_b * length_c + (
            (a * b).sum(-1) * length_c + (b * c).sum(-1) * length_a + (c * a).sum(-1) * length_b
        )
        numbers.append(torch.atan2(volume, spread).sum(-1) / (2 * math.pi))
    return torch.cat(numbers) if numbers else points.new_zeros(0)


def depths_inside(points: Tensor, vertices: Tensor, closed_faces: Tensor) -> Tensor:
    """How deep each point lies inside a closed mesh: [P] metres, 0 outside.

    The depth is measured to the plane of the face whose centre is nearest.

    Args:
        points: [P, 3].
        vertices: [V, 3] of one hand.
        closed_faces: [F, 3] closed, outward.
    """
    corners = vertices[closed_faces]
    normals = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0], dim=-1)
    normals = torch.nn.functional.normalize(normals, dim=-1)
    centres = corners.mean(1)
    low, high = vertices.amin(0), vertices.amax(0)
    candidates = torch.where(((points > low) & (points < high)).all(-1))[0]
    nearest = torch.cdist(points[candidates], centres).argmin(-1)
    depths = ((centres[nearest] - points[candidates]) * normals[nearest]).sum(-1)
    near = depths > -_NEAR_SKIN_M
    candidates, depths = candidates[near], depths[near]
    inside = winding_numbers(points[candidates], vertices, closed_faces) > 0.5
    result = points.new_zeros(len(points))
    result[candidates[inside]] = depths[inside].abs()
    return result
