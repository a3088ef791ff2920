"""A split of the data set as tensors in memory, and augmented batches drawn from it.

Distances between hand and object are computed once per grasp; a batch then only selects, turns and adds noise, so
two CPU cores spend their time on the model.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from funcgrasp_core.geometry.contact_field import soft_contact_targets
from funcgrasp_core.geometry.point_sampling import gather_points
from funcgrasp_core.geometry.rotations import rotation_about_z
from funcgrasp_core.grasp_model.sample_random import SampleRandom
from funcgrasp_core.grasp_model.semantic_encoder import ViewFeatures, ViewImages, Views
from funcgrasp_core.preprocessing.object_views import float_views, rotate_view_mask, rotate_view_slots
from training.data.augmentation import (
    AugmentationConfig,
    add_noise,
    augment_views,
    random_turns,
    select_points,
    turn_and_centre,
    turn_vectors,
)

Phrasing = Callable[[str, str], Sequence[str]]
"""(category, intent) -> instructions to choose from."""


@dataclass(frozen=True)
class GraspGroup:
    """The known grasps of one object for one intent.

    Attributes:
        object_index: into the store's objects.
        category: of the object.
        intent: what the grasps are for.
        grasp_indices: [M] long, into the store's grasps.
    """

    object_index: int
    category: str
    intent: str
    grasp_indices: Tensor


@dataclass(frozen=True)
class ObservationBatch:
    """B observations with G known grasps each, augmented.

    Attributes:
        points: [B, N, 3] metres, centred on their box.
        views: pictures, or their features.
        texts: B instructions.
        vectors: [B, G, 61] MANO vectors in the same frame.
        contact_distances: [B, G, N', 6] metres, of the first N' points.
        random: B streams, for whatever else is drawn at random for these observations.
    """

    points: Tensor
    views: Views
    texts: list[str]
    vectors: Tensor
    contact_distances: Tensor
    random: SampleRandom

    def soft_targets(self, tau: float) -> Tensor:
        """[B, G, N', 6] contact probabilities."""
        return soft_contact_targets(self.contact_distances, tau)

    def to(self, device: torch.device, dtype: torch.dtype | None = None) -> "ObservationBatch":
        """The same batch on a device and, if a type is given, in that precision."""
        views = self.views.to(device)
        if dtype is not None and isinstance(views, ViewImages):
            views = ViewImages(views.images.to(dtype), views.mask)
        elif dtype is not None and isinstance(views, ViewFeatures):
            views = ViewFeatures(views.features.to(dtype), views.mask)
        return ObservationBatch(
            self.points.to(device, dtype),
            views,
            self.texts,
            self.vectors.to(device, dtype),
            self.contact_distances.to(device, dtype),
            self.random,
        )


@dataclass(frozen=True)
class ObservationStore:
    """All objects and grasps of a split.

    Attributes:
        clouds: [O, P, 3] metres, surface points, P more than a batch uses.
        orders: [O, R, P] long, R orders of farthest point sampling of each cloud.
        views: [O, Y, 6, S, S, 3] uint8, rendered at Y yaws within a quarter turn.
        view_mask: [O, Y, 6] bool, true where there is a view.
        view_yaws_rad: [Y].
        vectors: [M, 61] MANO vectors in the object's frame.
        distances: [M, P, 6] metres, float16.
        groups: which grasps belong to which object and intent.
        object_ids: of the O objects.
    """

    clouds: Tensor
    orders: Tensor
    views: Tensor
    view_mask: Tensor
    view_yaws_rad: Tensor
    vectors: Tensor
    distances: Tensor
    groups: tuple[GraspGroup, ...]
    object_ids: tuple[str, ...]

    def draw(
        self,
        group_indices: Sequence[int],
        num_grasps: int,
        num_points: int,
        num_contact_points: int,
        augmentation: AugmentationConfig,
        phrasing: Phrasing,
        random: SampleRandom,
        grasps: Tensor | None = None,
        origin: Literal["cloud", "mesh"] = "cloud",
    ) -> ObservationBatch:
        """Observations of B groups, each varied by its own random stream.

        Args:
            group_indices: B indices into `groups`.
            num_grasps: G, drawn with replacement from an observation's known grasps.
            num_points: N.
            num_contact_points: N', how many of them come with distances.
            augmentation: how far observations are varied.
            phrasing: where the instructions come from.
            random: B streams.
            grasps: [B, G] long, into the store's grasps, where they are not to be drawn.
            origin: centre of the box of the seen "cloud" or of the whole "mesh".
        """
        groups = [self.groups[index] for index in group_indices]
        objects = torch.tensor([group.object_index for group in groups])
        if grasps is None:
            drawn = random.integers([len(group.grasp_indices) for group in groups], num_grasps)
            grasps = torch.stack([group.grasp_indices[chosen] for group, chosen in zip(groups, drawn, strict=True)])
        phrases = [phrasing(group.category, group.intent) for group in groups]
        chosen_phrases = random.integers([len(known) for known in phrases]).tolist()
        texts = [known[int(chosen)] for known, chosen in zip(phrases, chosen_phrases, strict=True)]

        yaw_indices, quarter_turns = random.integers(len(self.view_yaws_rad)), random.integers(4)
        rotation = random_turns(self.view_yaws_rad[yaw_indices] + quarter_turns * (torch.pi / 2), augmentation, random)
        clouds = self.clouds[objects]
        order = self.orders[objects, random.integers(self.orders.shape[1])]
        selected = select_points(clouds, order, num_points, augmentation, random)
        points = add_noise(gather_points(clouds, selected), augmentation, random)
        if origin == "cloud":
            points, vectors = turn_and_centre(points, self.vectors[grasps], rotation)
        else:
            points = points @ rotation.transpose(-1, -2)
            vectors = turn_vectors(self.vectors[grasps], rotation[:, None])
        touched = selected[:, None, :num_contact_points, None]
        touched = touched.expand(-1, grasps.shape[1], -1, self.distances.shape[-1])
        distances = self.distances[grasps].gather(2, touched).float()

        images, mask = self._views(objects, yaw_indices, quarter_turns)
        views = ViewImages(*augment_views(images, mask, augmentation, random))
        return ObservationBatch(points, views, texts, vectors, distances, random)

    def vectors_at_random_yaws(self, generator: torch.Generator) -> Tensor:
        """[M, 61]: every grasp once, turned about z as batches turn them; for statistics."""
        yaws = 2 * torch.pi * torch.rand(len(self.vectors), generator=generator)
        return turn_vectors(self.vectors, rotation_about_z(yaws))

    def _views(self, objects: Tensor, yaw_indices: Tensor, quarter_turns: Tensor) -> tuple[Tensor, Tensor]:
        turns = quarter_turns.tolist()
        views, masks = self.views[objects, yaw_indices], self.view_mask[objects, yaw_indices]
        turned = torch.stack([rotate_view_slots(view, turn) for view, turn in zip(views, turns, strict=True)])
        mask = torch.stack([rotate_view_mask(mask, turn) for mask, turn in zip(masks, turns, strict=True)])
        return float_views(turned), mask
