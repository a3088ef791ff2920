"""Bottles: solids of revolution with a body, a smooth shoulder, a neck and a cap."""

from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from training.data.object_families.convex_pieces import solid_frusta
from training.data.object_families.family import ObjectFamily, Parameters
from training.data.object_families.shapes import radius_from_z_axis, revolved_solid_distance

NECK_START_ON_SHOULDER = 0.7
"""The neck begins at 70 % of the shoulder's height."""

_ROUNDING_M = 0.003
_CAP_STEP_M = 0.001
_NUM_SHOULDER_SEGMENTS = 6


class Bottle(ObjectFamily):
    """A closed bottle, slim or stout, straight or pinched at the waist."""

    category: ClassVar[str] = "bottle"
    part_names: ClassVar[tuple[str, ...]] = ("body", "neck")
    symmetry_order: ClassVar[int] = 0
    parameter_ranges: ClassVar[dict[str, tuple[float, float]]] = {
        "body_radius": (0.024, 0.041),
        "waist_ratio": (0.86, 1.0),  # smallest radius of the body by the largest
        "body_height": (0.085, 0.160),
        "shoulder_height": (0.015, 0.042),
        "neck_radius": (0.0105, 0.0165),
        "neck_height": (0.012, 0.036),  # between shoulder and cap
        "cap_ratio": (1.0, 1.25),  # radius of the cap by that of the neck
        "cap_height": (0.012, 0.022),
    }

    def solid_distance(self, points: Tensor, parameters: Parameters) -> Tensor:
        """Signed distance [B, P] to the closed bottle."""
        radius = radius_from_z_axis(points)
        radii, heights, slopes = self._profile(parameters)
        core_radii = radii - _ROUNDING_M * (1 + slopes.square()).sqrt()
        ends = torch.zeros_like(heights)
        ends[:, 0], ends[:, -1] = _ROUNDING_M, -_ROUNDING_M
        return revolved_solid_distance(radius, points[..., 2], core_radii, heights + ends) - _ROUNDING_M

    def part_distance(self, points: Tensor, parameters: Parameters, part: str) -> Tensor:
        """Signed distance [B, P] to the bottle below or above the neck's start."""
        solid = self.solid_distance(points, parameters)
        above_neck_start = points[..., 2] - self._neck_start(parameters)[:, None]
        if part == "body":
            return torch.maximum(solid, above_neck_start)
        if part == "neck":
            return torch.maximum(solid, -above_neck_start)
        raise self.unknown_part(part)

    def half_extents(self, parameters: Parameters) -> Tensor:
        """Half sides [B, 3] of the box."""
        radius = parameters["body_radius"]
        return torch.stack([radius, radius, self._height(parameters) / 2], dim=-1)

    def convex_pieces(self, parameters: Parameters) -> list[np.ndarray]:
        """Truncated cones, with edges cut where the bottle is rounded."""
        radii, heights, _ = (axis[0].double().numpy() for axis in self._profile(parameters))
        angles = np.linspace(0, np.pi / 2, 4)
        base = np.stack([np.sin(angles) - 1, 1 - np.cos(angles)], axis=-1) * _ROUNDING_M
        outline = np.stack([radii, heights], axis=-1)
        top = base[::-1] * np.array([1.0, -1.0])
        return solid_frusta(np.concatenate([outline[0] + base, outline[1:-1], outline[-1] + top]))

    def _height(self, parameters: Parameters) -> Tensor:
        return sum(
            (parameters[name] for name in ("shoulder_height", "neck_height", "cap_height")),
            start=parameters["body_height"],
        )

    def _neck_start(self, parameters: Parameters) -> Tensor:
        shoulder_base = parameters["body_height"] - self._height(parameters) / 2
        return shoulder_base + NECK_START_ON_SHOULDER * parameters["shoulder_height"]

    def _profile(self, parameters: Parameters) -> tuple[Tensor, Tensor, Tensor]:
        """Outer radii, heights and slopes (radius by height) [B, K] from the bottom up."""
        body, waist = parameters["body_radius"], parameters["body_radius"] * parameters["waist_ratio"]
        neck, cap = parameters["neck_radius"], parameters["neck_radius"] * parameters["cap_ratio"]
        bottom = -self._height(parameters) / 2
        shoulder_base = bottom + parameters["body_height"]
        cap_base = shoulder_base + parameters["shoulder_height"] + parameters["neck_height"]
        radii = [body, body, (body + waist) / 2, waist, (body + waist) / 2, body]
        heights = [bottom + share * parameters["body_height"] for share in (0.0, 0.15, 0.35, 0.5, 0.65, 0.85)]
        slopes = [torch.zeros_like(body)] * len(radii)
        for step in range(_NUM_SHOULDER_SEGMENTS + 1):
            share = step / _NUM_SHOULDER_SEGMENTS
            radii.append(body + (neck - body) * share * share * (3 - 2 * share))
            heights.append(shoulder_base + share * parameters["shoulder_height"])
            slopes.append((neck - body) * 6 * share * (1 - share) / parameters["shoulder_height"])
        radii += [neck, cap, cap]
        heights += [cap_base - _CAP_STEP_M, cap_base, -bottom]
        slopes += [torch.zeros_like(body)] * 3
        return torch.stack(radii, dim=-1), torch.stack(heights, dim=-1), torch.stack(slopes, dim=-1)
