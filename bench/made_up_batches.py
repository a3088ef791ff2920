"""Training batches of made-up observations: the right shapes, all six views, instructions of several lengths."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from funcgrasp_core.contracts import MANO_VECTOR_SIZE, PART_NAMES, VIEW_SLOTS
from funcgrasp_core.grasp_model.sample_random import SampleRandom
from funcgrasp_core.grasp_model.semantic_encoder import ViewFeatures, ViewImages
from training.data.instruction_phrasing import phrases
from training.data.observation_store import ObservationBatch

_CLOUD_SIZE_M = 0.05
_LARGEST_DISTANCE_M = 0.05


@dataclass(frozen=True)
class PictureViews:
    """Views as a straightforward data loader gives them; stands in for `ViewImages`.

    Attributes:
        images: B times 6 PIL pictures.
        mask: [B, 6] bool, all true.
    """

    images: Sequence[Sequence[Image.Image]]
    mask: Tensor

    def to(self, device: torch.device) -> "PictureViews":
        """Pictures stay where they are."""
        return PictureViews(self.images, self.mask.to(device))


@dataclass(frozen=True)
class MadeUpBatches:
    """One set of observations, in the forms that steps take; all tensors on the CPU.

    Attributes:
        observations: with tensors of pictures as views.
        pictures: the same pictures, as PIL's.
        seed: of times and noise, the same each time a batch is asked for.
    """

    observations: ObservationBatch
    pictures: PictureViews
    seed: int

    @classmethod
    def make(cls, batch_size: int, num_points: int, view_size: int, seed: int = 0) -> "MadeUpBatches":
        """Draw B observations."""
        generator = torch.Generator().manual_seed(seed)
        directions = torch.randn(batch_size, num_points, 3, generator=generator)
        points = _CLOUD_SIZE_M * torch.nn.functional.normalize(directions, dim=-1)
        shape = (batch_size, len(VIEW_SLOTS), view_size, view_size, 3)
        pixels = torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)
        pictures = [[Image.fromarray(view) for view in views] for views in np.asarray(pixels)]
        mask = torch.ones(batch_size, len(VIEW_SLOTS), dtype=torch.bool)
        known = phrases("mug", "use", "train")
        distances = torch.rand(batch_size, 1, num_points, len(PART_NAMES), generator=generator)
        observations = ObservationBatch(
            points=points,
            views=ViewImages(pixels.permute(0, 1, 4, 2, 3).float() / 255, mask),
            texts=[known[index % len(known)] for index in range(batch_size)],
            vectors=0.1 * torch.randn(batch_size, 1, MANO_VECTOR_SIZE, generator=generator),
            contact_distances=_LARGEST_DISTANCE_M * distances,
            random=SampleRandom(range(batch_size)),
        )
        return cls(observations, PictureViews(pictures, mask), seed)

    def with_features(self, features: Tensor) -> ObservationBatch:
        """The observations with encoded views [B, 6, T, D]."""
        return self._with_views(ViewFeatures(features, self.pictures.mask))

    def with_pictures(self) -> ObservationBatch:
        """The observations with PIL pictures."""
        return self._with_views(self.pictures)  # type: ignore[arg-type] - only handed through to PictureEncoder

    def _with_views(self, views: ViewFeatures) -> ObservationBatch:
        size = len(self.observations.texts)
        random = SampleRandom(range(self.seed, self.seed + size))
        return dataclasses.replace(self.observations, views=views, random=random)
