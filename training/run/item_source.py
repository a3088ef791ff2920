"""Items of a split as observation batches: whole groups with some of their grasps, or single grasps."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from funcgrasp_core.grasp_model.sample_random import SampleRandom
from training.data.augmentation import AugmentationConfig
from training.data.epoch_order import SeededItem
from training.data.observation_store import GraspGroup, ObservationBatch, ObservationStore, Phrasing
from training.experiments import ItemConfig

_MOST_KNOWN_GRASPS = 64
"""Known grasps of an object and intent that a sampled grasp is compared with."""


@dataclass(frozen=True)
class ItemSource:
    """What the items of a split are, and how a batch of them is drawn.

    Attributes:
        store: of the split.
        config: what an item is.
        num_points: N, of an observation.
        augmentation: how far observations are varied.
        phrasing: where instructions come from.
    """

    store: ObservationStore
    config: ItemConfig
    num_points: int
    augmentation: AugmentationConfig
    phrasing: Phrasing
    _members: tuple[tuple[int, int], ...] = field(init=False)  # group and, where items are grasps, its grasp

    def __post_init__(self) -> None:
        groups = self.store.groups
        if self.config.kind == "groups":
            members = [(number, 0) for number in range(len(groups))]
        else:
            members = [(number, int(g)) for number, group in enumerate(groups) for g in group.grasp_indices]
        object.__setattr__(self, "_members", tuple(members))

    def __len__(self) -> int:
        return len(self._members)

    def group_of(self, item: SeededItem) -> GraspGroup:
        """The object and intent of an item."""
        return self.store.groups[self._members[item.index][0]]

    def draw(self, items: Sequence[SeededItem]) -> ObservationBatch:
        """A batch of B items, each varied by its own stream."""
        members = [self._members[item.index] for item in items]
        grasps = None if self.config.kind == "groups" else torch.tensor([[grasp] for _, grasp in members])
        return self._draw([group for group, _ in members], grasps, items, self.config.contact_points)

    def draw_with_known(self, item: SeededItem) -> ObservationBatch:
        """A batch of one observation with all grasps that are known for its object and intent, and contact everywhere.

        Where items are grasps, the item's own comes first.
        """
        group, own = self._members[item.index]
        known = self.store.groups[group].grasp_indices
        if self.config.kind == "grasps":
            known = torch.cat([known[known == own], known[known != own]])
        return self._draw([group], known[None, :_MOST_KNOWN_GRASPS], [item], None)

    def _draw(
        self,
        groups: Sequence[int],
        grasps: torch.Tensor | None,
        items: Sequence[SeededItem],
        contact_points: int | None,
    ) -> ObservationBatch:
        return self.store.draw(
            groups,
            self.config.grasps_per_item,
            self.num_points,
            min(contact_points or self.num_points, self.num_points),
            self.augmentation,
            self.phrasing,
            SampleRandom([item.seed for item in items]),
            grasps=grasps,
            origin=self.config.origin,
        )
