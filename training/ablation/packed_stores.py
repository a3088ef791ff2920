"""The splits of a data set in one file, so that many runs, on other machines too, start from the same tensors at once.

The file holds clouds, pictures and grasps (26 MB for the procedural data at the sizes of the ablations). Distances
are computed from them where they are needed first, and kept in a folder that all variants share.
"""

import dataclasses
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from funcgrasp_core.errors import DatasetError
from funcgrasp_core.hand.mano_layer import HandLayer
from training.data.block_cache import BlockCache, content_key
from training.data.build_store import POINTS_PER_BATCH_POINT
from training.data.grasp_distances import DistanceSource, GraspDistances
from training.data.observation_store import GraspGroup, ObservationStore, Rows

FORMAT_VERSION = 2
_CONTENT_KEY = "packed_stores"
_STACKED = ("clouds", "orders", "views", "view_mask")


def pack_stores(path: Path, stores: Mapping[str, ObservationStore]) -> None:
    """Write the stores of several splits; whole, or not at all.

    Args:
        path: of the .safetensors file.
        stores: by split, with pictures; all objects with equally many points.
    """
    tensors, content = {}, {}
    for split, store in stores.items():
        for name in _STACKED:
            tensors[f"{split}.{name}"] = _stacked(getattr(store, name))
        tensors[f"{split}.orders"] = tensors[f"{split}.orders"].to(torch.int16)
        tensors[f"{split}.vectors"] = store.vectors
        tensors[f"{split}.view_yaws_rad"] = store.view_yaws_rad
        tensors[f"{split}.group_objects"] = torch.tensor([group.object_index for group in store.groups])
        tensors[f"{split}.group_sizes"] = torch.tensor([len(group.grasp_indices) for group in store.groups])
        tensors[f"{split}.group_grasps"] = torch.cat([group.grasp_indices for group in store.groups])
        content[split] = {
            "groups": [[group.category, group.intent, group.keeps_to_parts] for group in store.groups],
            "object_ids": list(store.object_ids),
        }
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.unfinished")
    metadata = {_CONTENT_KEY: json.dumps({"format": FORMAT_VERSION, "splits": content}, sort_keys=True)}
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, unfinished, metadata)
    unfinished.replace(path)


def open_packed_store(
    path: Path, split: str, cache: BlockCache, hand_layer: HandLayer, source: DistanceSource = "vertices"
) -> ObservationStore:
    """One split of a file of `pack_stores`, with distances.

    Args:
        path: of the file.
        split: one that was packed.
        cache: of computed distances.
        hand_layer: whose grasps these are.
        source: of the hand that distances are measured to.

    Raises:
        DatasetError: the file is missing, is something else, or lacks the split.
    """
    tensors, content = _read(path, split)
    clouds, vectors = tensors["clouds"], tensors["vectors"]
    grasps = tensors["group_grasps"].split(tensors["group_sizes"].tolist())
    groups = tuple(
        GraspGroup(index, category, intent, indices, keeps_to_parts)
        for index, (category, intent, keeps_to_parts), indices in zip(
            tensors["group_objects"].tolist(), content["groups"], grasps, strict=True
        )
    )
    objects = torch.empty(len(vectors), dtype=torch.long)
    for group in groups:
        objects[group.grasp_indices] = group.object_index
    distances_of = GraspDistances(hand_layer, source)
    key = content_key("packed", FORMAT_VERSION, distances_of.digest, clouds, vectors, objects)
    block = cache.load_or_compute(
        "packed_distances", split, key, lambda: {"distances": _distances(distances_of, clouds, objects, vectors)}
    )
    return ObservationStore(
        clouds,
        tensors["orders"].long(),
        tensors["views"],
        tensors["view_mask"],
        tensors["view_yaws_rad"],
        vectors,
        block["distances"],
        groups,
        grasp_distances=distances_of,
        object_ids=tuple(content["object_ids"]),
    )


def check_sizes(path: Path, num_points: int, view_size: int) -> None:
    """Refuse a packed file that was made for models of other sizes.

    Args:
        path: of the file.
        num_points: of a model's clouds.
        view_size: pixels of its views.

    Raises:
        DatasetError: clouds or pictures have another size than stores for such a model.
    """
    tensors, _ = _read(path, "train")
    found = tensors["clouds"].shape[1], tensors["views"].shape[3]
    expected = POINTS_PER_BATCH_POINT * num_points, view_size
    if found != expected:
        raise DatasetError(
            f"{path} has clouds of {found[0]} points and pictures of {found[1]} pixels, expected {expected[0]} and "
            f"{expected[1]}: pack the data again for this base, or give another --output"
        )


def packed_digest(path: Path) -> str:
    """Differs wherever the content of a packed file differs."""
    try:
        with safe_open(path, framework="pt") as file:
            names = sorted(file.keys())
            return content_key(dict(file.metadata() or {}), names, *(file.get_tensor(name) for name in names))
    except (SafetensorError, OSError) as error:
        raise DatasetError(f"{path} is no file of packed stores ({error}): pack the data again") from error


def only_objects(store: ObservationStore, wanted: Sequence[int]) -> ObservationStore:
    """The same store with the groups of some of its objects; nothing is copied."""
    groups = tuple(group for group in store.groups if group.object_index in set(wanted))
    if not groups:
        raise DatasetError("none of the store's groups belongs to the wanted objects; choose others")
    used = torch.cat([group.grasp_indices for group in groups]).sort().values
    place = {int(grasp): number for number, grasp in enumerate(used)}
    renumbered = tuple(
        dataclasses.replace(group, grasp_indices=torch.tensor([place[int(grasp)] for grasp in group.grasp_indices]))
        for group in groups
    )
    distances = (
        store.distances[used] if isinstance(store.distances, Tensor) else [store.distances[i] for i in used.tolist()]
    )
    return dataclasses.replace(store, vectors=store.vectors[used], distances=distances, groups=renumbered)


def _stacked(rows: Rows) -> Tensor:
    return rows if isinstance(rows, Tensor) else torch.stack([rows[index] for index in range(len(rows))])


def _distances(distances_of: GraspDistances, clouds: Tensor, objects: Tensor, vectors: Tensor) -> Tensor:
    """[M, P, 6] float16 metres."""
    parts = [
        distances_of(clouds[some], these).half()
        for some, these in zip(objects.split(256), vectors.split(256), strict=True)
    ]
    return torch.cat(parts)


def _read(path: Path, split: str) -> tuple[dict[str, Tensor], dict[str, list]]:
    try:
        with safe_open(path, framework="pt") as file:
            content = json.loads((file.metadata() or {})[_CONTENT_KEY])
            if content["format"] != FORMAT_VERSION or split not in content["splits"]:
                raise DatasetError(
                    f"{path} has format {content['format']} and splits {', '.join(content['splits'])}, expected format "
                    f"{FORMAT_VERSION} and split {split}: pack the data again"
                )
            prefix = f"{split}."
            names = [name for name in file.keys() if name.startswith(prefix)]  # noqa: SIM118 - not a mapping
            return {name.removeprefix(prefix): file.get_tensor(name) for name in names}, content["splits"][split]
    except (SafetensorError, OSError, KeyError, ValueError) as error:
        raise DatasetError(f"{path} is no file of packed stores ({error}): pack the data again") from error
