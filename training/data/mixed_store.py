"""Several data sets as one, each with its share of an epoch."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from funcgrasp_core.errors import ConfigurationError
from funcgrasp_core.grasp_model.sample_random import SampleRandom
from funcgrasp_core.grasp_model.semantic_encoder import ViewFeatures, ViewImages, Views
from training.data.augmentation import AugmentationConfig
from training.data.mixture import Mixture
from training.data.observation_store import GraspGroup, ObservationBatch, ObservationStore, Origin, Phrasing


@dataclass(frozen=True)
class StoreItem:
    """One item of a mixture.

    Attributes:
        store: number of the store.
        index: into the items of that store.
    """

    store: int
    index: int


def mixture_items(lengths: Sequence[int], weights: Sequence[float]) -> tuple[StoreItem, ...]:
    """The items of an epoch of a `Mixture`: each store has its share, and every item is there at least once.

    The epoch is as long as the store needs that is large for its share; the items of the others come several times.

    Args:
        lengths: number of items of each store.
        weights: of each store, in any unit.

    Raises:
        ConfigurationError: no store, an empty one, or a weight that is not positive.
    """
    if len(lengths) != len(weights):
        raise ConfigurationError(f"a mixture needs one weight for each store, got {len(weights)} for {len(lengths)}")
    numbers = {f"{number:04d}": number for number in range(len(lengths))}
    mixture = Mixture(
        {name: lengths[number] for name, number in numbers.items()},
        {name: weights[number] for name, number in numbers.items()},
        seed=0,
    )
    items = (mixture.item(0, position) for position in range(len(mixture)))
    return tuple(StoreItem(numbers[item.dataset], item.index) for item in items)


class MixedStore:
    """A weighted mixture of stores that is drawn from like one.

    What an item gives depends on the item and its stream alone, not on the items of other stores in the batch.

    Args:
        stores: all with pictures of one size, or all with features of one shape.
        weights: of each, in any unit.
    """

    def __init__(self, stores: Sequence[ObservationStore], weights: Sequence[float]):
        self.stores = tuple(stores)
        self.items = mixture_items([len(store) for store in stores], weights)

    def __len__(self) -> int:
        """How many items an epoch has."""
        return len(self.items)

    @property
    def groups(self) -> tuple[GraspGroup, ...]:
        """What each item is drawn of; object and grasps are numbered within their own store."""
        return tuple(self.stores[item.store].groups[item.index] for item in self.items)

    @property
    def num_objects(self) -> int:
        """Of all stores together."""
        return sum(store.num_objects for store in self.stores)

    @property
    def num_grasps(self) -> int:
        """Of all stores together, each counted once."""
        return sum(store.num_grasps for store in self.stores)

    @property
    def origin(self) -> Origin | None:
        """Of the frames that batches are in; None if the stores differ."""
        first = self.stores[0].origin
        return first if all(store.origin == first for store in self.stores) else None

    def by_grasp(self) -> "MixedStore":
        """The same with one item for each grasp; the stores keep their shares of the epoch."""
        counts = [sum(item.store == number for item in self.items) for number in range(len(self.stores))]
        return MixedStore([store.by_grasp() for store in self.stores], counts)

    def known_grasps(self, index: int) -> Tensor:
        """See `ObservationStore.known_grasps`; numbered within the item's own store."""
        item = self.items[index]
        return self.stores[item.store].known_grasps(item.index)

    def object_id(self, index: int) -> str:
        """The id of an item's object."""
        item = self.items[index]
        return self.stores[item.store].object_id(item.index)

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
        """Observations of B items; see `ObservationStore.draw`."""
        items = [self.items[index] for index in group_indices]
        batches: list[ObservationBatch] = []
        places: list[int] = []
        for number, store in enumerate(self.stores):
            mine = [place for place, item in enumerate(items) if item.store == number]
            if mine:
                indices, streams = [items[place].index for place in mine], random.of_samples(mine)
                given = None if grasps is None else grasps[mine]
                sizes = (num_grasps, num_points, num_contact_points)
                batches.append(store.draw(indices, *sizes, augmentation, phrasing, streams, given))
                places += mine
        order = torch.tensor(places).argsort()
        texts = [text for batch in batches for text in batch.texts]
        return ObservationBatch(
            torch.cat([batch.points for batch in batches])[order],
            _joined_views([batch.views for batch in batches], order),
            [texts[int(place)] for place in order],
            torch.cat([batch.vectors for batch in batches])[order],
            torch.cat([batch.contact_distances for batch in batches])[order],
            random,
        )

    def vectors_at_random_yaws(self, generator: torch.Generator) -> Tensor:
        """[M, 61]: see `ObservationStore.vectors_at_random_yaws`; stores are weighted by their number of grasps."""
        return torch.cat([store.vectors_at_random_yaws(generator) for store in self.stores])


def _joined_views(views: Sequence[Views], order: Tensor) -> Views:
    mask = torch.cat([some.mask for some in views])[order]
    images = [some.images for some in views if isinstance(some, ViewImages)]
    features = [some.features for some in views if isinstance(some, ViewFeatures)]
    if images and features:
        raise ConfigurationError("some stores of the mixture give pictures and some features: store them for all")
    if images:
        return ViewImages(torch.cat(images)[order], mask)
    return ViewFeatures(torch.cat(features)[order], mask)


GraspStore = ObservationStore | MixedStore
"""What batches are drawn from."""
