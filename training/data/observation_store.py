"""The objects and grasps of a split, and augmented batches drawn from them.

Whatever is costly and does not change (distances between hand and object, orders of points, prepared pictures or their
features) is computed beforehand; a batch then only selects, turns and adds noise.
"""

import dataclasses
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from funcgrasp_core.errors import ConfigurationError
from funcgrasp_core.geometry.contact_field import soft_contact_targets
from funcgrasp_core.geometry.point_sampling import gather_points
from funcgrasp_core.geometry.rotations import rotation_about_z
from funcgrasp_core.grasp_model.sample_random import SampleRandom
from funcgrasp_core.grasp_model.semantic_encoder import ViewFeatures, ViewImages, Views
from funcgrasp_core.preprocessing.object_cloud import centre_on_box
from funcgrasp_core.preprocessing.object_views import float_views, rotate_view_mask, rotate_view_slots
from training.data.augmentation import (
    AugmentationConfig,
    add_noise,
    change_brightness,
    drop_views,
    hidden_points,
    move_vectors,
    random_gains,
    random_scales,
    random_turns,
    select_points,
    turn_vectors,
)
from training.data.grasp_distances import GraspDistances
from training.data.object_scaling import contact_centres, follow_scaling
from training.data.turned_view_features import features_after_turn

Origin = Literal["cloud", "mesh"]
"""The centre of an object's frame: of the box of the points that the model is given, or of the whole mesh."""

Rows = Sequence[Tensor] | Tensor
"""One tensor for each object or grasp: stacked, or in a sequence that may read them from disk."""


@dataclass(frozen=True)
class GraspGroup:
    """Known grasps of one object for one intent.

    Attributes:
        object_index: into the store's objects.
        category: of the object.
        intent: what the grasps are for.
        grasp_indices: [M] long, into the store's grasps.
        keeps_to_parts: whether the grasps are known to hold the part that the intent calls for, so that an
            instruction may name it.
    """

    object_index: int
    category: str
    intent: str
    grasp_indices: Tensor
    keeps_to_parts: bool = False


Phrasing = Callable[[GraspGroup], Sequence[str]]
"""A group -> instructions to choose from."""


@dataclass(frozen=True)
class ObservationBatch:
    """B observations with G known grasps each, augmented.

    Attributes:
        points: [B, N, 3] metres, in the object's frame.
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
    """All O objects and M grasps of a split.

    Attributes:
        clouds: O clouds [P, 3] metres, surface points, P more than a batch uses; the whole mesh's box is centred.
        orders: O times [R, P], R orders of farthest point sampling of a cloud.
        views: O times [Y, 6, S, S, 3] uint8, pictures rendered at Y yaws within a quarter turn.
        view_mask: O times [Y, 6] bool, true where there is a picture.
        view_yaws_rad: [Y].
        vectors: [M, 61] MANO vectors in the object's frame.
        distances: M times [P, 6] metres.
        groups: what observations are drawn of: grasps of one object for one intent.
        origin: of the frames that batches are in.
        grasp_distances: computes distances anew, for augmentation that changes them.
        view_features: O times [Y, 12, ...] in the order of `all_turned_pictures`; batches have these in place of
            pictures.
        view_keys: digests of each object's pictures.
        object_ids: of the O objects.
    """

    clouds: Rows
    orders: Rows
    views: Rows
    view_mask: Rows
    view_yaws_rad: Tensor
    vectors: Tensor
    distances: Rows
    groups: tuple[GraspGroup, ...]
    origin: Origin = "cloud"
    grasp_distances: GraspDistances | None = None
    view_features: Rows | None = None
    view_keys: tuple[str, ...] = ()
    object_ids: tuple[str, ...] = ()

    def __len__(self) -> int:
        """How many items can be drawn."""
        return len(self.groups)

    def epoch_items(self, epoch: int, seed: int) -> Sequence[int]:
        """The items of an epoch: each once, in every epoch."""
        return range(len(self))

    def digest(self) -> str:
        """Tells data sets apart: of the grasps, what they are for, and the objects' ids and pictures."""
        meant = [(group.object_index, group.intent, group.grasp_indices.tolist()) for group in self.groups]
        texts = json.dumps([meant, self.object_ids, self.view_keys]).encode()
        return hashlib.sha256(self.vectors.numpy().tobytes() + texts).hexdigest()

    @property
    def num_objects(self) -> int:
        """O."""
        return len(self.clouds)

    @property
    def num_grasps(self) -> int:
        """M."""
        return len(self.vectors)

    def by_grasp(self) -> "ObservationStore":
        """The same with one item for each grasp, in their order, instead of one for each object and intent."""
        single = {
            int(grasp): dataclasses.replace(group, grasp_indices=grasp.reshape(1))
            for group in self.groups
            for grasp in group.grasp_indices
        }
        return dataclasses.replace(self, groups=tuple(single[grasp] for grasp in sorted(single)))

    def known_grasps(self, index: int) -> Tensor:
        """[M'] long, all grasps of the object and intent of an item; its own come first."""
        item = self.groups[index]
        wanted = (item.object_index, item.category, item.intent)
        same = [g.grasp_indices for g in self.groups if (g.object_index, g.category, g.intent) == wanted]
        known = torch.cat(same)
        is_own = torch.isin(known, item.grasp_indices)
        return torch.cat([known[is_own], known[~is_own]])

    def object_id(self, index: int) -> str:
        """The id of an item's object."""
        return self.object_ids[self.groups[index].object_index]

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

        Raises:
            ConfigurationError: stored features cannot be dimmed, or the store cannot compute distances anew.
        """
        self._check(augmentation)
        groups = [self.groups[index] for index in group_indices]
        objects = [group.object_index for group in groups]
        drawn = random.integers([len(group.grasp_indices) for group in groups], num_grasps)
        if grasps is None:
            grasps = torch.stack([group.grasp_indices[chosen] for group, chosen in zip(groups, drawn, strict=True)])
        phrases = [phrasing(group) for group in groups]
        chosen_phrases = random.integers([len(known) for known in phrases]).tolist()
        texts = [known[int(chosen)] for known, chosen in zip(phrases, chosen_phrases, strict=True)]

        yaw_indices, quarter_turns = random.integers(len(self.view_yaws_rad)), random.integers(4)
        if not augmentation.random_yaw:
            yaw_indices, quarter_turns = torch.zeros_like(yaw_indices), torch.zeros_like(quarter_turns)
        rotation = random_turns(self.view_yaws_rad[yaw_indices] + quarter_turns * (torch.pi / 2), augmentation, random)
        scales = random_scales(augmentation, random)

        clouds, vectors = _rows(self.clouds, objects), self.vectors[grasps]
        orders = random.integers(len(self.orders[0])).tolist()
        order = torch.stack([self.orders[item][number].long() for item, number in zip(objects, orders, strict=True)])
        hidden = hidden_points(clouds, augmentation, random)
        selected, source = select_points(hidden, order, num_points, augmentation, random)
        chosen = selected.gather(1, source)
        if augmentation.scale > 0:
            vectors = self._follow_scaling(vectors, grasps, clouds, scales)
            clouds = clouds * scales[:, None, None]
            distances = self._computed_distances(clouds, chosen[:, :num_contact_points], vectors)
        else:
            distances = self._stored_distances(grasps, chosen[:, :num_contact_points])

        points = gather_points(add_noise(gather_points(clouds, selected), augmentation, random), source)
        if augmentation.turns_objects:
            points, vectors = points @ rotation.transpose(-1, -2), turn_vectors(vectors, rotation[:, None])
        if self.origin == "cloud":
            points, centres = centre_on_box(points)
            vectors = move_vectors(vectors, -centres[:, None])
        views = self._views(objects, yaw_indices.tolist(), quarter_turns.tolist(), augmentation, random)
        return ObservationBatch(points, views, texts, vectors, distances, random)

    def vectors_at_random_yaws(self, generator: torch.Generator) -> Tensor:
        """[M, 61]: every grasp once, turned about z as batches turn them; for statistics."""
        yaws = 2 * torch.pi * torch.rand(len(self.vectors), generator=generator)
        return turn_vectors(self.vectors, rotation_about_z(yaws))

    def _check(self, augmentation: AugmentationConfig) -> None:
        if self.view_features is not None and augmentation.brightness > 0:
            raise ConfigurationError(
                "stored view features cannot be made brighter or darker: set augmentation.brightness to 0, or draw "
                "from pictures"
            )
        if augmentation.scale > 0 and self.grasp_distances is None:
            raise ConfigurationError(
                "augmentation.scale changes distances, and this store cannot compute them: give it grasp_distances, "
                "or set augmentation.scale to 0"
            )

    def _stored_distances(self, grasps: Tensor, chosen: Tensor) -> Tensor:
        """[B, G, N', 6] of the chosen points [B, N'] of grasps [B, G]."""
        rows = [
            torch.stack([self.distances[grasp][points] for grasp in some])
            for some, points in zip(grasps.tolist(), chosen, strict=True)
        ]
        return torch.stack(rows).float()

    def _computed_distances(self, clouds: Tensor, chosen: Tensor, vectors: Tensor) -> Tensor:
        """[B, G, N', 6] of the chosen points [B, N'] of clouds [B, P, 3] to hands [B, G, 61]."""
        assert self.grasp_distances is not None  # for the type checker, see `_check`
        num_grasps = vectors.shape[1]
        points = gather_points(clouds, chosen).repeat_interleave(num_grasps, dim=0)
        return self.grasp_distances(points, vectors.flatten(0, 1)).unflatten(0, (-1, num_grasps))

    def _follow_scaling(self, vectors: Tensor, grasps: Tensor, clouds: Tensor, scales: Tensor) -> Tensor:
        known = torch.stack([_rows(self.distances, some) for some in grasps.tolist()])
        return follow_scaling(vectors, contact_centres(clouds[:, None], known), scales[:, None].expand(grasps.shape))

    def _views(
        self,
        objects: list[int],
        yaws: list[int],
        turns: list[int],
        augmentation: AugmentationConfig,
        random: SampleRandom,
    ) -> Views:
        items = list(zip(objects, yaws, turns, strict=True))
        mask = torch.stack([rotate_view_mask(self.view_mask[item][yaw], turn) for item, yaw, turn in items])
        mask = drop_views(mask, augmentation, random)
        gains = random_gains(augmentation, random)
        if self.view_features is not None:
            known = self.view_features
            return ViewFeatures(torch.stack([features_after_turn(known[i][yaw], turn) for i, yaw, turn in items]), mask)
        images = torch.stack([rotate_view_slots(self.views[item][yaw], turn) for item, yaw, turn in items])
        return ViewImages(change_brightness(float_views(images), gains), mask)


def _rows(rows: Rows, indices: Sequence[int]) -> Tensor:
    return torch.stack([rows[index] for index in indices])
