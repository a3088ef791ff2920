"""Distances between point sets, and the normals of a triangle mesh.

Shapes: B batch, N and M points, V vertices, F faces. Metres.
"""

import torch
from torch import Tensor

from funcgrasp_core.errors import ConfigurationError

MAX_DISTANCE_ENTRIES = 2**24
"""Largest distance matrix held at once by the searches for nearest points: 64 MB in float32."""


def pairwise_distances(from_points: Tensor, to_points: Tensor) -> Tensor:
    """Distances [B, N, M] between from_points [B, N, 3] and to_points [B, M, 3].

    Subtracts coordinates instead of expanding the square: the expansion loses what lies below 0.1 mm in float32.
    """
    return torch.cdist(from_points, to_points, compute_mode="donot_use_mm_for_euclid_dist")


def nearest_distances(
    from_points: Tensor, to_points: Tensor, max_entries: int = MAX_DISTANCE_ENTRIES
) -> tuple[Tensor, Tensor]:
    """Distance from each point to the nearest of another set.

    The search runs in chunks without gradient; the distance is then recomputed from the chosen pairs, so that the
    gradient costs N entries, not N x M. It is zero where two points coincide.

    Args:
        from_points: [B, N, 3].
        to_points: [B, M, 3], M at least 1.
        max_entries: how many distances may be held at once.

    Returns:
        distances [B, N], differentiable in both sets, and indices [B, N] long into to_points.
    """
    num_clouds, num_to = to_points.shape[:2]
    if num_to == 0:
        raise ConfigurationError("nearest_distances: to_points is empty, there is no nearest point; give at least one")
    chunk = max(1, max_entries // (num_clouds * num_to))
    with torch.no_grad():
        parts = [pairwise_distances(part, to_points).argmin(-1) for part in from_points.split(chunk, dim=1)]
        indices = torch.cat(parts, dim=1)
    nearest = to_points.gather(1, indices.unsqueeze(-1).expand(-1, -1, 3))
    return torch.linalg.vector_norm(from_points - nearest, dim=-1), indices


def vertex_normals(vertices: Tensor, faces: Tensor) -> Tensor:
    """Unit normals at the vertices, outward where faces wind counter-clockwise seen from outside.

    Face normals are weighted by area. A vertex of no face, or of degenerate ones only, gets the zero vector.

    Args:
        vertices: [B, V, 3].
        faces: [F, 3] long.

    Returns:
        [B, V, 3].
    """
    first, second, third = (vertices[:, faces[:, corner]] for corner in range(3))
    doubled_area_normals = torch.linalg.cross(second - first, third - first)
    summed = torch.zeros_like(vertices)
    for corner in range(3):
        summed = summed.index_add(1, faces[:, corner], doubled_area_normals)
    return torch.nn.functional.normalize(summed, dim=-1, eps=1e-20)
