"""Meshes and surface points of parametric objects."""

import numpy as np
import torch
from torch import Tensor

from funcgrasp_core.errors import MissingDependencyError
from training.data.object_families.family import ObjectFamily, Parameters, single_object

MESH_SPACING_M = 0.002
"""Grid spacing of meshes; the thinnest wall is 3.6 mm."""

_SAMPLING_BAND_M = 0.003
_SAMPLING_CANDIDATES_PER_POINT = 16
_NUM_PROJECTION_STEPS = 3


def project_to_surface(family: ObjectFamily, points: Tensor, parameters: Parameters) -> Tensor:
    """Moves points [B, P, 3] that are near the surface onto it, along the distance's gradient."""
    for _ in range(_NUM_PROJECTION_STEPS):
        distance, gradient = distance_and_gradient(family, points, parameters)
        points = points - distance[..., None] * gradient / gradient.square().sum(dim=-1, keepdim=True).clamp(min=0.25)
    return points


def distance_and_gradient(family: ObjectFamily, points: Tensor, parameters: Parameters) -> tuple[Tensor, Tensor]:
    """Signed distance [B, P] and its gradient [B, P, 3] (near the surface: the outward normal)."""
    with torch.enable_grad():
        points = points.detach().requires_grad_(True)
        distance = family.signed_distance(points, parameters)
        (gradient,) = torch.autograd.grad(distance.sum(), points)
    return distance.detach(), gradient


def sample_surface(family: ObjectFamily, parameters: Parameters, num_points: int, generator: torch.Generator) -> Tensor:
    """Random surface points [B, num_points, 3], nearly uniform over the area.

    Points that fall into a thin band around the surface are moved onto it.
    """
    half_extents = family.half_extents(parameters)
    sampled = []
    for index, half_sides in enumerate(half_extents):
        one = single_object(parameters, index)
        kept, num_kept = [], 0
        while num_kept < num_points:
            num_candidates = _SAMPLING_CANDIDATES_PER_POINT * num_points
            uniform = torch.rand(1, num_candidates, 3, generator=generator) * 2 - 1
            candidates = uniform * (half_sides + _SAMPLING_BAND_M)
            near = family.signed_distance(candidates, one).abs() < _SAMPLING_BAND_M
            kept.append(candidates[near])
            num_kept += int(near.sum())
        sampled.append(project_to_surface(family, torch.cat(kept)[None, :num_points], one)[0])
    return torch.stack(sampled)


def part_area_fractions(family: ObjectFamily, parameters: Parameters, num_points: int = 4096) -> Tensor:
    """Share [B, num_parts] of the surface's area that belongs to each part, estimated from surface points."""
    points = sample_surface(family, parameters, num_points, torch.Generator().manual_seed(0))
    labels = family.part_labels(points, parameters)
    return torch.nn.functional.one_hot(labels, len(family.part_names)).float().mean(dim=1)


def mesh_from_parameters(
    family: ObjectFamily, parameters: Parameters, spacing_m: float = MESH_SPACING_M
) -> tuple[np.ndarray, np.ndarray]:
    """A watertight mesh with outward normals.

    Args:
        family: of the object.
        parameters: of one object, [1] each.
        spacing_m: of the grid that the surface is traced on.

    Returns:
        Vertices [V, 3] float32, metres, in the object frame, and faces [F, 3] int64.
    """
    try:
        from skimage.measure import marching_cubes
    except ImportError as error:
        raise MissingDependencyError(
            "meshes of parametric objects need scikit-image: pip install 'funcgrasp[eval]'"
        ) from error
    reach = family.half_extents(parameters)[0] + 2 * spacing_m
    axes = [torch.arange(-float(side), float(side) + spacing_m, spacing_m) for side in reach]
    grid = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1)
    with torch.no_grad():
        distance = family.signed_distance(grid.reshape(1, -1, 3), parameters).reshape(grid.shape[:3])
    vertices, faces, _, _ = marching_cubes(
        distance.numpy(), 0.0, spacing=(spacing_m,) * 3, gradient_direction="descent"
    )
    vertices = torch.from_numpy(vertices.astype(np.float32)) + grid[0, 0, 0]
    distance, gradient = distance_and_gradient(family, vertices[None], parameters)
    on_surface = vertices - (distance[..., None] * torch.nn.functional.normalize(gradient, dim=-1))[0]
    box_centre = (on_surface.amin(dim=0) + on_surface.amax(dim=0)) / 2  # off by less than 0.1 mm where the grid cuts
    return (on_surface - box_centre).numpy(), faces.astype(np.int64)
