"""Solids of revolution that fill the cavities of mugs and bowls, so that no finger slips through their thin walls."""

from dataclasses import dataclass

import torch
from torch import Tensor

from training.data.grasp_placement import axis_of_revolution, surface_towards
from training.data.object_families.family import ObjectFamily, Parameters
from training.data.object_families.shapes import radius_from_z_axis, revolved_solid_distance


@dataclass(frozen=True)
class CavityFilling:
    """The outer profile of B upright objects.

    Attributes:
        axis_x: [B] metres, where the vertical axis stands.
        knot_radii, knot_heights: [B, K] metres, from the bottom up.
    """

    axis_x: Tensor
    knot_radii: Tensor
    knot_heights: Tensor

    @classmethod
    def of(cls, family: ObjectFamily, parameters: Parameters, num_knots: int = 8) -> "CavityFilling":
        """The filling of each object, its profile traced on the side away from a handle."""
        half_height = family.half_extents(parameters)[:, 2]
        axis_x = axis_of_revolution(family, parameters)
        radii, heights = [], []
        for share in torch.linspace(-0.96, 0.96, num_knots).tolist():
            on_axis = torch.stack([axis_x, torch.zeros_like(axis_x), half_height * share], dim=-1)
            outwards = torch.tensor([-1.0, 0.0, 0.0]).to(on_axis).expand_as(on_axis)
            radii.append(axis_x - surface_towards(family, parameters, on_axis, outwards)[:, 0])
            heights.append(half_height * share)
        return cls(axis_x, torch.stack(radii, dim=-1), torch.stack(heights, dim=-1))

    def distance(self, points: Tensor) -> Tensor:
        """Signed distance [B, P] of points [B, P, 3]."""
        axis = torch.stack([self.axis_x, torch.zeros_like(self.axis_x), torch.zeros_like(self.axis_x)], dim=-1)
        centred = points - axis[:, None]
        return revolved_solid_distance(radius_from_z_axis(centred), centred[..., 2], self.knot_radii, self.knot_heights)
