"""What every parametric object family offers: random shapes, exact distances, functional parts, convex pieces.

Frame: metres, z up, origin at the centre of the shape's axis-aligned box. Symbols: B objects, P points.
A set of objects is a dictionary from parameter name to a [B] tensor.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

Parameters = Mapping[str, Tensor]


class ObjectFamily(ABC):
    """A category of parametric solids with functional parts.

    Attributes:
        category: OakInk's name of the category.
        part_names: functional parts; together they cover the surface, and labels are indices into this tuple.
        parameter_ranges: smallest and largest value of every parameter, metres or ratios.
        symmetry_order: 1 without symmetry, n for n turns about z that map the solid on itself, 0 for a solid of
            revolution about z.
    """

    category: ClassVar[str]
    part_names: ClassVar[tuple[str, ...]]
    parameter_ranges: ClassVar[Mapping[str, tuple[float, float]]]
    symmetry_order: ClassVar[int] = 1

    def sample_parameters(self, num_objects: int, generator: torch.Generator) -> dict[str, Tensor]:
        """Draws `num_objects` shapes: parameter name -> [num_objects] float32."""
        drawn = {
            name: low + (high - low) * torch.rand(num_objects, generator=generator)
            for name, (low, high) in self.parameter_ranges.items()
        }
        return self.fit_together(drawn)

    def fit_together(self, parameters: dict[str, Tensor]) -> dict[str, Tensor]:
        """Makes independently drawn parameters agree with each other; by default they already do."""
        return parameters

    @abstractmethod
    def solid_distance(self, points: Tensor, parameters: Parameters) -> Tensor:
        """Signed distance [B, P] of points [B, P, 3] to the whole solid."""

    @abstractmethod
    def part_distance(self, points: Tensor, parameters: Parameters, part: str) -> Tensor:
        """Signed distance [B, P] of points [B, P, 3] to that region of the solid that belongs to one part."""

    @abstractmethod
    def half_extents(self, parameters: Parameters) -> Tensor:
        """Half sides [B, 3] of the axis-aligned box, which is centred on the origin."""

    @abstractmethod
    def convex_pieces(self, parameters: Parameters) -> list[np.ndarray]:
        """Corner points [n, 3] of convex pieces whose union is the solid, for one object (parameters are [1])."""

    def signed_distance(self, points: Tensor, parameters: Parameters, part: str | None = None) -> Tensor:
        """Signed distance in metres, negative inside, differentiable.

        Args:
            points: [B, P, 3] in the object frame.
            parameters: [B] each.
            part: a name of `part_names` for the region of that part only; None for the whole solid.
        """
        if part is None:
            return self.solid_distance(points, parameters)
        return self.part_distance(points, parameters, part)

    def part_labels(self, points: Tensor, parameters: Parameters) -> Tensor:
        """Index [B, P] of the part that is nearest to each point [B, P, 3]."""
        distances = [self.part_distance(points, parameters, part) for part in self.part_names]
        return torch.stack(distances, dim=-1).argmin(dim=-1)

    def unknown_part(self, part: str) -> KeyError:
        """The error for a part that this family does not have."""
        return KeyError(f"a {self.category} has the parts {', '.join(self.part_names)}, not '{part}'")


def single_object(parameters: Parameters, index: int) -> dict[str, Tensor]:
    """The parameters of one object of a set, still as [1] tensors."""
    return {name: values[index : index + 1] for name, values in parameters.items()}
