"""Items of a split as observation batches: whole groups with some of their grasps, or single grasps."""

from collections.abc import Sequence

from torch import Tensor

from funcgrasp_core.errors import ConfigurationError
from funcgrasp_core.grasp_model.sample_random import SampleRandom
from training.data.augmentation import AugmentationConfig
from training.data.epoch_order import SeededItem
from training.data.mixed_store import GraspStore
from training.data.observation_store import ObservationBatch, Phrasing
from training.experiments import ItemConfig

_MOST_KNOWN_GRASPS = 64
"""Known grasps of an object and intent that a sampled grasp is compared with."""


class ItemSource:
    """What the items of a split are, and how a batch of them is drawn.

    Args:
        store: of the split, by groups.
        config: what an item is.
        num_points: N, of an observation.
        augmentation: how far observations are varied.
        phrasing: where instructions come from.

    Raises:
        ConfigurationError: the store was opened with another origin.
    """

    def __init__(
        self,
        store: GraspStore,
        config: ItemConfig,
        num_points: int,
        augmentation: AugmentationConfig,
        phrasing: Phrasing,
    ) -> None:
        if store.origin != config.origin:
            raise ConfigurationError(
                f"the store was opened with origin '{store.origin}', the experiment's items want '{config.origin}'"
            )
        self.store = store.by_grasp() if config.kind == "grasps" else store
        self.config, self.num_points = config, num_points
        self.augmentation, self.phrasing = augmentation, phrasing

    def __len__(self) -> int:
        return len(self.store)

    def epoch_items(self, epoch: int, seed: int) -> Sequence[int]:
        """The items of an epoch of training, as the store has them."""
        return self.store.epoch_items(epoch, seed)

    def name_of(self, item: SeededItem) -> tuple[str, str]:
        """Category and id of an item's object."""
        return self.store.groups[item.index].category, self.store.object_id(item.index)

    def draw(self, items: Sequence[SeededItem]) -> ObservationBatch:
        """A batch of B items, each varied by its own stream."""
        return self._draw(items, self.config.contact_points, None)

    def draw_with_known(self, item: SeededItem) -> ObservationBatch:
        """A batch of one observation with all grasps that are known for its object and intent, and contact everywhere.

        Where items are grasps, the item's own comes first.
        """
        known = self.store.known_grasps(item.index)[:_MOST_KNOWN_GRASPS]
        return self._draw([item], None, known[None])

    def _draw(self, items: Sequence[SeededItem], contact_points: int | None, grasps: Tensor | None) -> ObservationBatch:
        return self.store.draw(
            [item.index for item in items],
            self.config.grasps_per_item,
            self.num_points,
            min(contact_points or self.num_points, self.num_points),
            self.augmentation,
            self.phrasing,
            SampleRandom([item.seed for item in items]),
            grasps=grasps,
        )
