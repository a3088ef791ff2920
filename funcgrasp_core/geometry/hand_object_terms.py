"""How deep object points lie inside a hand, and how far the hand's vertices are from the object. Differentiable.

Training losses and grasp refinement share these terms; the evaluation measures the exact mesh instead.
Shapes: B batch, N object points, V hand vertices, k neighbours. Metres.
"""

import torch
from torch import Tensor

from funcgrasp_core.geometry.point_sampling import gather_points, k_nearest
from funcgrasp_core.geometry.surface_distance import nearest_distances

NUM_SURFACE_NEIGHBOURS = 4
"""Vertices that define the local surface: about one triangle and its neighbour."""

MAX_LATERAL_OFFSET_M = 0.006
"""A point further aside than this from its local surface patch is neither above nor below it.

The vertices of a hand mesh are 3 to 9 mm apart."""

MIN_NEIGHBOUR_DISTANCE_M = 1e-5
"""Bounds the weight of a vertex that coincides with the point."""


def penetration_depths(
    object_points: Tensor,
    hand_vertices: Tensor,
    hand_vertex_normals: Tensor,
    max_lateral_offset: float = MAX_LATERAL_OFFSET_M,
) -> Tensor:
    """How deep each object point lies inside the hand, zero outside.

    The local surface is the plane through the weighted mean of the nearest vertices, along their mean normal (Adamson
    and Alexa, Approximating and Intersecting Surfaces from Points, 2003): it lies on the chords between the vertices,
    as the triangles do, while the tangent plane at the nearest vertex lies a millimetre outside them at the fingertips.
    A neighbour whose normal turns away from the nearest one's belongs to another finger and is left out. A point whose
    offset from the plane's centre is mostly sideways is not inside: it lies past an edge, such as the open wrist.

    Measured on the reference hand against the exact signed distance, in twelve half-closed poses at random points up to
    12 mm around its box: depth inside is off by 0.4 mm in the mean and 1.3 mm at the 95th percentile, 2 % of points
    deeper than 2 mm are missed (most of them beside the wrist's cap) and 0.01 % of points over 2 mm outside count as
    inside. That holds for normals of the hand with its wrist closed; the open mesh's raise the last figure to 0.1 %.

    Args:
        object_points: [B, N, 3].
        hand_vertices: [B, V, 3].
        hand_vertex_normals: [B, V, 3] outward, unit; from the faces with the wrist closed.
        max_lateral_offset: metres; for meshes other than a hand, about the distance between vertices.

    Returns:
        [B, N] metres, not negative. The gradient reaches points, vertices and normals; it is zero outside.
    """
    indices, _ = k_nearest(hand_vertices, object_points, min(NUM_SURFACE_NEIGHBOURS, hand_vertices.shape[1]))
    vertices = gather_points(hand_vertices, indices)
    normals = gather_points(hand_vertex_normals, indices)
    offsets = object_points.unsqueeze(2) - vertices
    agreement = (normals * normals[:, :, :1]).sum(-1).clamp_min(0)
    weights = agreement / (offsets.square().sum(-1) + MIN_NEIGHBOUR_DISTANCE_M**2)
    weights = (weights / weights.sum(-1, keepdim=True).clamp_min(torch.finfo(weights.dtype).tiny)).unsqueeze(-1)
    offset = (weights * offsets).sum(2)
    normal = torch.nn.functional.normalize((weights * normals).sum(2), dim=-1)
    height = (offset * normal).sum(-1)
    with torch.no_grad():
        beside = (offset - height.unsqueeze(-1) * normal).square().sum(-1) > max_lateral_offset**2
    return (-height).clamp_min(0).masked_fill(beside, 0.0)


def contact_distances(hand_vertices: Tensor, object_points: Tensor) -> Tensor:
    """Distance [B, V] from each hand vertex [B, V, 3] to the nearest object point [B, N, 3], in metres."""
    return nearest_distances(hand_vertices, object_points)[0]
