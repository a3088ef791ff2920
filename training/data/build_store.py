"""Reads one split of a data set into an `ObservationStore`; what has to be computed is kept on disk."""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, get_args

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from funcgrasp_core.errors import ConfigurationError
from funcgrasp_core.geometry.point_sampling import farthest_point_sampling
from funcgrasp_core.hand.mano_layer import HandLayer
from training.data.block_cache import CACHE_FOLDER, BlockCache, content_key
from training.data.file_digests import FileDigests
from training.data.grasp_distances import DistanceSource, GraspDistances
from training.data.observation_store import GraspGroup, ObservationStore, Origin
from training.data.prepared_pictures import PictureFiles, StoredPictures, view_mask, views_key
from training.data.view_rendering import VIEW_YAWS_DEG

STORE_FORMAT = 1
"""Counts up when the content of the blocks changes."""

POINTS_PER_BATCH_POINT = 2
"""The store keeps this many points for each that a batch uses."""

NUM_ORDERS = 4
"""Orders of farthest point sampling that are kept of each cloud."""

_DISTANCE_TYPES = {"float16": torch.float16, "float32": torch.float32}


class GraspSet(Protocol):
    """What a store is built from; every reader of a data set offers it."""

    root: Path
    split: str
    hand_layer: HandLayer

    @property
    def records(self) -> Sequence[Any]:
        """The grasps, always in the same order."""
        ...

    def vector(self, record: Any) -> np.ndarray:
        """The MANO vector [61] of a grasp."""
        ...

    def cloud(self, object_id: str) -> np.ndarray:
        """Surface points [P, 3] of an object."""
        ...

    def views(self, object_id: str, yaw_deg: int) -> dict[str, np.ndarray]:
        """Pictures [S, S, 3] uint8 by slot."""
        ...


@dataclass(frozen=True)
class StoreSettings:
    """What a store holds."""

    view_size: int  # pixels of the model's views, square
    num_points: int = 1024  # of a batch; POINTS_PER_BATCH_POINT times as many are stored
    origin: Origin = "cloud"  # of the frames of batches: box of the points given to the model, or of the whole mesh
    distance_source: DistanceSource = "vertices"  # of the hand that distances are measured to
    distance_type: Literal["float16", "float32"] = "float16"  # float16 takes half the room, soft targets off by 2e-4
    keep_pictures: bool = True  # prepared pictures on disk; False reads picture files, for stored view features

    def __post_init__(self) -> None:
        if self.origin not in get_args(Origin):
            raise ConfigurationError(f"origin must be one of {get_args(Origin)}, not '{self.origin}'")
        if self.distance_type not in _DISTANCE_TYPES:
            raise ConfigurationError(
                f"distance_type must be one of {', '.join(_DISTANCE_TYPES)}, not '{self.distance_type}'"
            )
        if self.num_points < 1:
            raise ConfigurationError(f"num_points must be at least 1, got {self.num_points}")


class GraspRows(Sequence[Tensor]):
    """The rows of several blocks [m, ...] one after the other.

    Args:
        blocks: not empty.
    """

    def __init__(self, blocks: Sequence[Tensor]):
        self._blocks = list(blocks)
        lengths = [len(block) for block in blocks]
        self._places = [(number, row) for number, length in enumerate(lengths) for row in range(length)]

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: int) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride] - no slices
        block, row = self._places[index]
        return self._blocks[block][row]


def build_store(grasps: GraspSet, settings: StoreSettings, cache: BlockCache | None = None) -> ObservationStore:
    """Clouds, views, grasps and distances of a split.

    Grasps are ordered by object. What an earlier call computed of the same content is read again; after a change of a
    grasp or mesh only its object is computed anew, after a change of the hand all distances are.

    Args:
        grasps: a split of a data set.
        settings: what to keep.
        cache: of computed tensors; by default in the folder of the data set.

    Raises:
        DatasetError: a file is missing or damaged, or the cache cannot be written.
    """
    cache = BlockCache(grasps.root / CACHE_FOLDER) if cache is None else cache
    distances_of = GraspDistances(grasps.hand_layer, settings.distance_source)
    hand_digest = distances_of.digest
    num_stored = POINTS_PER_BATCH_POINT * settings.num_points

    records_of: dict[str, list[Any]] = defaultdict(list)
    for record in grasps.records:
        records_of[record.object_id].append(record)
    object_ids = sorted(records_of)
    clouds, orders, vectors, distances = [], [], [], []
    for object_id in tqdm(object_ids, desc=f"{grasps.split}: distances", unit="object", mininterval=1):
        records = records_of[object_id]
        cloud = torch.from_numpy(np.ascontiguousarray(grasps.cloud(object_id)[:num_stored]))
        of_object = torch.from_numpy(np.stack([grasps.vector(record) for record in records]))
        key = content_key("clouds", STORE_FORMAT, NUM_ORDERS, cloud)
        block = cache.load_or_compute("clouds", object_id, key, lambda cloud=cloud: _with_orders(cloud))
        orders.append(block["orders"])
        clouds.append(block["cloud"])
        vectors.append(of_object)
        key = content_key("distances", STORE_FORMAT, settings.distance_type, hand_digest, cloud, of_object)
        block = cache.load_or_compute(
            "distances",
            object_id,
            key,
            lambda cloud=cloud, of_object=of_object: {
                "distances": distances_of(cloud.expand(len(of_object), -1, -1), of_object).to(
                    _DISTANCE_TYPES[settings.distance_type]
                )
            },
        )
        distances.append(block["distances"])

    digests = FileDigests(cache.folder / f"picture_digests_{content_key(str(grasps.root.absolute()))}.json")
    progress = tqdm(object_ids, desc=f"{grasps.split}: picture files", unit="object", mininterval=1)
    keys = tuple(views_key(grasps, object_id, settings.view_size, digests) for object_id in progress)
    digests.save()
    if settings.keep_pictures:
        views = StoredPictures(grasps, object_ids, settings.view_size, keys, cache)
    else:
        views = PictureFiles(grasps, object_ids, settings.view_size)
    return ObservationStore(
        clouds,
        orders,
        views,
        [view_mask(grasps, object_id) for object_id in object_ids],
        torch.tensor([math.radians(yaw) for yaw in VIEW_YAWS_DEG]),
        torch.cat(vectors),
        GraspRows(distances),
        _groups(object_ids, records_of),
        settings.origin,
        distances_of,
        view_keys=keys,
        object_ids=tuple(object_ids),
    )


def _groups(object_ids: Sequence[str], records_of: dict[str, list[Any]]) -> tuple[GraspGroup, ...]:
    members: dict[tuple[int, str, str], list[int]] = defaultdict(list)
    grasp_index = 0
    for object_index, object_id in enumerate(object_ids):
        for record in records_of[object_id]:
            members[object_index, record.category, record.source.intent].append(grasp_index)
            grasp_index += 1
    return tuple(
        GraspGroup(index, category, intent, torch.tensor(indices))
        for (index, category, intent), indices in members.items()
    )


def _with_orders(cloud: Tensor) -> dict[str, Tensor]:
    """A `cloud` [P, 3] and `orders` [NUM_ORDERS, P] int16 of farthest point sampling, each from another first point."""
    num_points = len(cloud)
    first = torch.randint(num_points, (NUM_ORDERS,), generator=torch.Generator().manual_seed(0))
    orders = farthest_point_sampling(cloud.expand(NUM_ORDERS, -1, -1), num_points, first)
    return {"cloud": cloud, "orders": orders.to(torch.int16)}
