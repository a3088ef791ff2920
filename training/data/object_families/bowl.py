"""Bowls: a thin curved wall of revolution on a flat floor."""

from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from training.data.object_families.convex_pieces import shell_wedges
from training.data.object_families.family import ObjectFamily, Parameters
from training.data.object_families.shapes import polyline_distance, radius_from_z_axis

RIM_HEIGHT_M = 0.020
"""The upper 2 cm of the wall are its rim."""

_NUM_WALL_SEGMENTS = 6


class Bowl(ObjectFamily):
    """A bowl, flat or deep, round-bellied or conical."""

    category: ClassVar[str] = "bowl"
    part_names: ClassVar[tuple[str, ...]] = ("rim", "body")
    symmetry_order: ClassVar[int] = 0
    parameter_ranges: ClassVar[dict[str, tuple[float, float]]] = {
        "rim_radius": (0.054, 0.082),  # outer
        "height": (0.044, 0.072),
        "floor_radius": (0.020, 0.036),
        "wall_thickness": (0.0036, 0.0056),
        "curvature": (0.45, 0.85),  # exponent of the wall's radius over its height; 1 is a cone
    }

    def solid_distance(self, points: Tensor, parameters: Parameters) -> Tensor:
        """Signed distance [B, P] to wall and floor."""
        knot_radii, knot_heights = self._wall_knots(parameters)
        radius = radius_from_z_axis(points)
        middle = polyline_distance(radius, points[..., 2], knot_radii, knot_heights)
        return middle - parameters["wall_thickness"][:, None] / 2

    def part_distance(self, points: Tensor, parameters: Parameters, part: str) -> Tensor:
        """Signed distance [B, P] to the wall's upper end or the rest."""
        solid = self.solid_distance(points, parameters)
        below_rim = points[..., 2] - (parameters["height"] / 2 - RIM_HEIGHT_M)[:, None]
        if part == "rim":
            return torch.maximum(solid, -below_rim)
        if part == "body":
            return torch.maximum(solid, below_rim)
        raise self.unknown_part(part)

    def half_extents(self, parameters: Parameters) -> Tensor:
        """Half sides [B, 3] of the box."""
        return torch.stack([parameters["rim_radius"], parameters["rim_radius"], parameters["height"] / 2], dim=-1)

    def convex_pieces(self, parameters: Parameters) -> list[np.ndarray]:
        """Wall wedges and the floor."""
        knots = np.stack([axis[0].double().numpy() for axis in self._wall_knots(parameters)], axis=-1)
        return shell_wedges(knots, float(parameters["wall_thickness"][0]))

    def _wall_knots(self, parameters: Parameters) -> tuple[Tensor, Tensor]:
        """Radii and heights [B, K] of the wall's middle line from the floor's centre to the rim."""
        half_wall = parameters["wall_thickness"] / 2
        rim, floor = parameters["rim_radius"] - half_wall, parameters["floor_radius"]
        half_height = parameters["height"] / 2 - half_wall
        radii, heights = [torch.zeros_like(rim)], [-half_height]
        for step in range(_NUM_WALL_SEGMENTS + 1):
            share = step / _NUM_WALL_SEGMENTS
            rise = torch.full_like(rim, share).pow(parameters["curvature"]) if step else torch.zeros_like(rim)
            radii.append(floor + (rim - floor) * rise)
            heights.append(half_height * (2 * share - 1))
        return torch.stack(radii, dim=-1), torch.stack(heights, dim=-1)
