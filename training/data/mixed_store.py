"""Several data sets as one, each with its share of an epoch."""

import hashlib
from collections.abc import Sequence

import torch
from torch import Tensor

from funcgrasp_core.errors import ConfigurationError
from funcgrasp_core.grasp_model.sample_random import SampleRandom
from funcgrasp_core.grasp_model.semantic_encoder import ViewFeatures, ViewImages, Views
from training.data.augmentation import AugmentationConfig
from training.data.mixture import Mixture
from training.data.observation_store import GraspGroup, ObservationBatch, ObservationStore, Origin, Phrasing


class MixedStore:
    """A weighted mixture of stores that is drawn from like one.

    What an item gives depends on the item and its stream alone, not on the items of other stores in the batch.

    Args:
        stores: all with pictures of one size, or all with features of one shape.
        weights: of each, in any unit; they decide what an epoch goes through, not which items there are.

    Raises:
        ConfigurationError: no store, an empty one, or a weight that is not a positive number.
    """

    def __init__(self, stores: Sequence[ObservationStore], weights: Sequence[float]):
        self.stores = tuple(stores)
        self.mixture = Mixture(tuple(len(store) for store in stores), tuple(weights))
        self._places = [(number, index) for number, store in enumerate(stores) for index in range(len(store))]

    def __len__(self) -> int:
        """How many items there are, of all stores in a row."""
        return len(self._places)

    def epoch_items(self, epoch: int, seed: int) -> Sequence[int]:
        """The items of an epoch, of each store as many as its weight says; see `Mixture`."""
        return self.mixture.epoch_items(epoch, seed)

    @property
    def groups(self) -> tuple[GraspGroup, ...]:
        """What each item is drawn of; object and grasps are numbered within their own store."""
        return tuple(group for store in self.stores for group in store.groups)

    def digest(self) -> str:
        """Tells mixtures apart, by their data sets and weights."""
        texts = [*(store.digest() for store in self.stores), str(self.mixture.weights)]
        return hashlib.sha256(" ".join(texts).encode()).hexdigest()

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
        """The same with one item for each grasp; the stores keep their weights."""
        return MixedStore([store.by_grasp() for store in self.stores], self.mixture.weights)

    def known_grasps(self, index: int) -> Tensor:
        """See `ObservationStore.known_grasps`; numbered within the item's own store."""
        number, own = self._places[index]
        return self.stores[number].known_grasps(own)

    def object_id(self, index: int) -> str:
        """The id of an item's object."""
        number, own = self._places[index]
        return self.stores[number].object_id(own)

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
        items = [self._places[index] for index in group_indices]
        batches: list[ObservationBatch] = []
        places: list[int] = []
        for number, store in enumerate(self.stores):
            mine = [place for place, (owner, _) in enumerate(items) if owner == number]
            if mine:
                indices, streams = [items[place][1] for place in mine], random.of_samples(mine)
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
