"""The stores that a variant trains on and is judged on, out of one packed file."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from torch import Tensor

from funcgrasp_core.hand.mano_layer import HandLayer, ManoLayer
from training.ablation.packed_stores import only_objects, open_packed_store
from training.ablation.variant import Variant
from training.data.block_cache import BlockCache
from training.data.grasp_distances import DistanceSource, GraspDistances
from training.data.mixed_store import GraspStore, MixedStore
from training.data.observation_store import ObservationStore


@dataclass(frozen=True)
class VariantData:
    """Opens stores.

    Attributes:
        packed: file of `pack_stores`, with "train" and "val".
        cache: of distances, shared by all variants.
        hand_layer: whose grasps these are.
    """

    packed: Path
    cache: BlockCache
    hand_layer: HandLayer = field(default_factory=ManoLayer)

    def training_store(self, variant: Variant) -> GraspStore:
        """What the variant is trained on."""
        store = self._open("train", variant.distance_source)
        if not variant.keeps_distances:
            store = with_computed_distances(store, GraspDistances(self.hand_layer, variant.distance_source))
        if variant.data == "all":
            return store
        first, second = (only_objects(store, half) for half in _halves(store))
        return first if variant.data == "first_half" else MixedStore([first, second], [1.0, 1.0])

    def validation_store(self) -> ObservationStore:
        """What every variant is judged on; truth is measured to the hand's vertices, whatever it was trained on."""
        return self._open("val", "vertices")

    def _open(self, split: str, source: DistanceSource) -> ObservationStore:
        return open_packed_store(self.packed, split, self.cache, self.hand_layer, source)


class ComputedDistances(Sequence[Tensor]):
    """[P, 6] metres of each grasp of a store, computed whenever they are asked for.

    Args:
        store: whose grasps and clouds these are.
        distances_of: computes them.
    """

    def __init__(self, store: ObservationStore, distances_of: GraspDistances) -> None:
        self._store, self._distances_of = store, distances_of
        self._objects = {int(g): group.object_index for group in store.groups for g in group.grasp_indices}

    def __len__(self) -> int:
        return self._store.num_grasps

    def __getitem__(self, index: int) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride] - no slices
        cloud = self._store.clouds[self._objects[index]]
        return self._distances_of(cloud[None], self._store.vectors[index][None])[0].half()


def with_computed_distances(store: ObservationStore, distances_of: GraspDistances) -> ObservationStore:
    """The same store without stored distances: equal batches, at the cost of posing their hands."""
    return dataclasses.replace(store, distances=ComputedDistances(store, distances_of), grasp_distances=distances_of)


def _halves(store: ObservationStore) -> tuple[list[int], list[int]]:
    """Objects that have grasps, every other one of each category in each half."""
    by_category: dict[str, list[int]] = {}
    for group in store.groups:
        known = by_category.setdefault(group.category, [])
        if group.object_index not in known:
            known.append(group.object_index)
    first = [index for known in by_category.values() for index in known[0::2]]
    second = [index for known in by_category.values() for index in known[1::2]]
    return first, second
