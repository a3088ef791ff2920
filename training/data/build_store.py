"""Reads one split of the data set into an `ObservationStore`."""

import math
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from funcgrasp_core.geometry.contact_field import per_part_distances
from funcgrasp_core.geometry.point_sampling import farthest_point_sampling
from funcgrasp_core.grasp_model.config import GraspModelConfig
from funcgrasp_core.hand.hand_parts import vertex_part_labels
from funcgrasp_core.hand.mano_layer import HandLayer
from funcgrasp_core.preprocessing.object_views import prepare_views_uint8
from training.data.oakink import OakInkShapeDataset
from training.data.observation_store import GraspGroup, ObservationStore
from training.data.view_rendering import VIEW_YAWS_DEG

POINTS_PER_BATCH_POINT = 2
"""The store keeps this many points for each that a batch uses."""

NUM_ORDERS = 4
"""Orders of farthest point sampling that are kept of each cloud."""

_GRASPS_AT_ONCE = 32
_CLOUDS_AT_ONCE = 16


def build_store(root: Path, split: str, config: GraspModelConfig, view_size: int) -> ObservationStore:
    """Clouds, views, grasps and distances of a split.

    Args:
        root: folder of the data set.
        split: "train", "val" or "test".
        config: of the model that will be trained; gives the number of points.
        view_size: pixels of the model's views.
    """
    dataset = OakInkShapeDataset(root, split, num_points=config.num_points)
    object_ids = sorted({record.object_id for record in dataset.records})
    object_index = {object_id: index for index, object_id in enumerate(object_ids)}
    num_stored = POINTS_PER_BATCH_POINT * config.num_points
    clouds = torch.stack([torch.from_numpy(dataset.cloud(object_id)[:num_stored]) for object_id in object_ids])
    views, view_mask = _read_views(dataset, object_ids, view_size)

    grasps_of: dict[tuple[int, str, str], list[int]] = defaultdict(list)
    for index, record in enumerate(dataset.records):
        grasps_of[object_index[record.object_id], record.category, record.source.intent].append(index)
    vectors = torch.from_numpy(np.stack([dataset.vector(record) for record in dataset.records]))
    grasp_objects = torch.tensor([object_index[record.object_id] for record in dataset.records])
    return ObservationStore(
        clouds,
        _orders(clouds),
        views,
        view_mask,
        torch.tensor([math.radians(yaw) for yaw in VIEW_YAWS_DEG]),
        vectors,
        _distances(dataset.hand_layer, vectors, clouds, grasp_objects),
        tuple(
            GraspGroup(index, category, intent, torch.tensor(indices))
            for (index, category, intent), indices in grasps_of.items()
        ),
        tuple(object_ids),
    )


def _orders(clouds: Tensor) -> Tensor:
    """[O, NUM_ORDERS, P] orders of farthest point sampling, each from another first point."""
    num_objects, num_points, _ = clouds.shape
    first = torch.randint(num_points, (num_objects, NUM_ORDERS), generator=torch.Generator().manual_seed(0))
    orders = torch.empty(num_objects, NUM_ORDERS, num_points, dtype=torch.long)
    for start in tqdm(range(0, num_objects, _CLOUDS_AT_ONCE), desc="orders", unit="batch"):
        chosen = slice(start, start + _CLOUDS_AT_ONCE)
        for number in range(NUM_ORDERS):
            orders[chosen, number] = farthest_point_sampling(clouds[chosen], num_points, first[chosen, number])
    return orders


def _read_views(dataset: OakInkShapeDataset, object_ids: list[str], view_size: int) -> tuple[Tensor, Tensor]:
    views, masks = [], []
    for object_id in tqdm(object_ids, desc=f"{dataset.split} views", unit="object"):
        for yaw_deg in VIEW_YAWS_DEG:
            images, mask = prepare_views_uint8(dataset.views(object_id, yaw_deg), view_size)
            views.append(torch.as_tensor(images))
            masks.append(torch.as_tensor(mask))
    shape = (len(object_ids), len(VIEW_YAWS_DEG))
    return torch.stack(views).unflatten(0, shape), torch.stack(masks).unflatten(0, shape)


def _distances(hand_layer: HandLayer, vectors: Tensor, clouds: Tensor, grasp_objects: Tensor) -> Tensor:
    labels = vertex_part_labels(hand_layer.assets)
    distances = torch.empty(len(vectors), clouds.shape[1], 6, dtype=torch.float16)
    with torch.no_grad():
        for start in tqdm(range(0, len(vectors), _GRASPS_AT_ONCE), desc="distances", unit="batch"):
            chosen = slice(start, start + _GRASPS_AT_ONCE)
            vertices = hand_layer.from_vector(vectors[chosen]).vertices
            distances[chosen] = per_part_distances(clouds[grasp_objects[chosen]], vertices, labels).half()
    return distances
