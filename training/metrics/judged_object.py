"""An object as the measures need it: its exact mesh, functional parts, convex pieces and symmetry."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from training.data.functional_parts import INTENT_PARTS
from training.data.object_families import FAMILIES, ObjectFamily, mesh_from_parameters, part_area_fractions
from training.metrics.exact_mesh import ExactMesh


@dataclass(frozen=True)
class JudgedObject:
    """One parametric object; small, so that it can be sent to a worker process, which builds the mesh itself.

    Attributes:
        object_id: of the data set.
        category: a name of FAMILIES.
        parameters: of the shape, by name.
    """

    object_id: str
    category: str
    parameters: Mapping[str, float]

    def __reduce__(self) -> tuple[type, tuple[str, str, dict[str, float]]]:
        """Pickles the parameters only: a mesh's search structure cannot be sent to another process."""
        return JudgedObject, (self.object_id, self.category, dict(self.parameters))

    @property
    def family(self) -> ObjectFamily:
        """The family that knows distances and parts."""
        return FAMILIES[self.category]

    @cached_property
    def mesh(self) -> ExactMesh:
        """The exact surface, in the object frame."""
        return ExactMesh(*mesh_from_parameters(self.family, self.parameter_tensors()))

    @cached_property
    def convex_pieces(self) -> list[np.ndarray]:
        """[n, 3] each; exact, since the object is built from them."""
        return self.family.convex_pieces(self.parameter_tensors())

    @cached_property
    def part_surface_shares(self) -> np.ndarray:
        """[parts] share of the surface that belongs to each part."""
        return part_area_fractions(self.family, self.parameter_tensors())[0].numpy()

    def part_labels(self, points: np.ndarray) -> np.ndarray:
        """Index [n] of the nearest part of points [n, 3]."""
        batch = torch.as_tensor(np.asarray(points), dtype=torch.float32)[None]
        return self.family.part_labels(batch, self.parameter_tensors())[0].numpy()

    def part_called_for(self, intent: str) -> int:
        """Index of the part that an intent wants touched."""
        return self.family.part_names.index(INTENT_PARTS[self.category, intent])

    def parameter_tensors(self) -> dict[str, torch.Tensor]:
        """The parameters as the family takes them, [1] each."""
        return {name: torch.tensor([value], dtype=torch.float32) for name, value in self.parameters.items()}
