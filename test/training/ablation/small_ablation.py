"""A few procedural objects with their known grasps as packed stores, without meshes or rendering, and an ablation."""

from pathlib import Path

import torch

from funcgrasp_core.contracts import VIEW_SLOTS
from funcgrasp_core.geometry.contact_field import per_part_distances
from funcgrasp_core.hand.hand_parts import vertex_part_labels
from funcgrasp_core.hand.mano_layer import ManoLayer
from training.ablation.packed_stores import pack_stores
from training.data.frozen_grasps import FrozenGrasps, load_frozen_grasps
from training.data.object_families import sample_surface
from training.data.observation_store import GraspGroup, ObservationStore

NUM_POINTS = 256
VIEW_SIZE = 16


def small_store(split: str, hand_layer: ManoLayer, objects_per_category: int = 2) -> ObservationStore:
    """Real clouds and grasps; noise for pictures."""
    grasps = load_frozen_grasps(splits=(split,))
    chosen = _first_of_each_category(grasps, objects_per_category)
    generator = torch.Generator().manual_seed(len(split))
    items = [grasps.objects[index] for index in chosen]
    clouds = torch.cat([sample_surface(item.family, item.parameters, NUM_POINTS, generator) for item in items])
    vectors, objects, groups = [], [], []
    for number, index in enumerate(chosen):
        for intent, of_intent in grasps.grasps_of(index):
            first = len(objects)
            vectors.append(of_intent)
            objects += [number] * len(of_intent)
            indices = torch.arange(first, len(objects))
            groups.append(GraspGroup(number, items[number].category, intent, indices))
    together = torch.cat(vectors)
    with torch.no_grad():
        hands = hand_layer.from_vector(together).vertices
    distances = per_part_distances(clouds[objects], hands, vertex_part_labels(hand_layer.assets)).half()
    orders = torch.stack([torch.randperm(NUM_POINTS, generator=generator) for _ in range(2 * len(items))])
    shape = (len(items), 3, len(VIEW_SLOTS))
    return ObservationStore(
        clouds,
        orders.view(len(items), 2, NUM_POINTS),
        torch.randint(256, (*shape, VIEW_SIZE, VIEW_SIZE, 3), generator=generator, dtype=torch.uint8),
        torch.ones(shape, dtype=torch.bool),
        torch.deg2rad(torch.tensor([0.0, 30.0, 60.0])),
        together,
        distances,
        tuple(groups),
        object_ids=tuple(item.object_id for item in items),
    )


def pack_small_data(path: Path) -> Path:
    """Both splits in one file."""
    layer = ManoLayer()
    pack_stores(path, {split: small_store(split, layer) for split in ("train", "val")})
    return path


def _first_of_each_category(grasps: FrozenGrasps, count: int) -> list[int]:
    by_category: dict[str, list[int]] = {}
    for index, item in enumerate(grasps.objects):
        if grasps.grasps_of(index):
            by_category.setdefault(item.category, []).append(index)
    return [index for known in by_category.values() for index in known[:count]]
