"""A whole procedural data set in one small file: object parameters and accepted grasps, guarded by a checksum.

Meshes, clouds, views and the OakInk layout follow from it without any grasp synthesis.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from funcgrasp_core.contracts import INTENTS, MANO_VECTOR_SIZE
from funcgrasp_core.errors import DatasetError
from training.data.oakink_layout import SPLITS
from training.data.procedural_objects import ProceduralObject

FROZEN_FILE = Path(__file__).parent / "frozen" / "procedural_grasps.safetensors"
FORMAT_VERSION = 1

DEBUG_OBJECTS = {"train": 3, "val": 1, "test": 1}
"""Objects of each category and split that a debugging run trains on."""

_CONTENT_KEY = "frozen_grasps"
"""The only key of the metadata: several are stored in no fixed order, and the file's bytes should be reproducible."""


@dataclass(frozen=True)
class FrozenGrasps:
    """Objects and their grasps.

    Attributes:
        objects: O objects.
        vectors: [M, 61] float32 MANO vectors in the object frames.
        object_indices: [M] long, into `objects`.
        intent_indices: [M] long, into INTENTS.
    """

    objects: tuple[ProceduralObject, ...]
    vectors: Tensor
    object_indices: Tensor
    intent_indices: Tensor

    def of_splits(self, splits: Sequence[str]) -> "FrozenGrasps":
        """Only the objects and grasps of some splits."""
        return self.of_objects([index for index, item in enumerate(self.objects) if item.split in splits])

    def of_objects(self, kept: Sequence[int]) -> "FrozenGrasps":
        """Only the objects with these indices, in ascending order, and their grasps."""
        new_index = torch.full((len(self.objects),), -1)
        new_index[kept] = torch.arange(len(kept))
        mask = new_index[self.object_indices] >= 0
        return FrozenGrasps(
            tuple(self.objects[index] for index in kept),
            self.vectors[mask],
            new_index[self.object_indices[mask]],
            self.intent_indices[mask],
        )

    def debug_subset(self) -> "FrozenGrasps":
        """A few objects of every category and split, the first ones: DEBUG_OBJECTS of each."""
        taken: Counter[tuple[str, str]] = Counter()
        chosen = []
        for index, item in enumerate(self.objects):
            taken[item.category, item.split] += 1
            if taken[item.category, item.split] <= DEBUG_OBJECTS.get(item.split, 0):
                chosen.append(index)
        return self.of_objects(chosen)

    def grasps_of(self, object_index: int) -> list[tuple[str, Tensor]]:
        """Intent and vectors [n, 61] of one object, for every intent that it has grasps for."""
        mine = self.object_indices == object_index
        return [
            (intent, self.vectors[mine & (self.intent_indices == number)])
            for number, intent in enumerate(INTENTS)
            if bool((mine & (self.intent_indices == number)).any())
        ]


def save_frozen_grasps(grasps: FrozenGrasps, path: Path = FROZEN_FILE) -> None:
    """Writes the file and, beside it, its SHA-256."""
    tensors = {
        "vectors": grasps.vectors.float().contiguous(),
        "object_indices": grasps.object_indices.to(torch.int16),
        "intent_indices": grasps.intent_indices.to(torch.int8),
    }
    listing = []
    for item in grasps.objects:
        tensors[f"parameters.{item.object_id}"] = torch.cat(list(item.parameters.values()))
        listing.append([item.object_id, item.category, list(item.parameters)])
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, path, metadata={_CONTENT_KEY: json.dumps({"format": FORMAT_VERSION, "objects": listing})})
    checksum_file(path).write_text(f"{_sha256(path)}  {path.name}\n")


def load_frozen_grasps(path: Path = FROZEN_FILE, splits: Sequence[str] = SPLITS) -> FrozenGrasps:
    """Reads the file after comparing it with its checksum.

    Raises:
        DatasetError: file or checksum is missing, they do not belong together, or the content has another format.
    """
    try:
        expected = checksum_file(path).read_text().split()[0]
        found = _sha256(path)
    except (OSError, IndexError) as error:
        raise DatasetError(f"{path} or its checksum {checksum_file(path).name} is missing or empty") from error
    if found != expected:
        raise DatasetError(f"{path} has SHA-256 {found}, expected {expected}: restore the file from the repository")
    try:
        with safe_open(path, framework="pt") as file:
            content = json.loads((file.metadata() or {})[_CONTENT_KEY])
            if content["format"] != FORMAT_VERSION:
                raise DatasetError(f"{path} has format {content['format']}, expected {FORMAT_VERSION}")
            objects = tuple(
                ProceduralObject(
                    category,
                    object_id,
                    dict(zip(names, file.get_tensor(f"parameters.{object_id}").split(1), strict=True)),
                )
                for object_id, category, names in content["objects"]
            )
            grasps = FrozenGrasps(
                objects,
                file.get_tensor("vectors"),
                file.get_tensor("object_indices").long(),
                file.get_tensor("intent_indices").long(),
            )
    except (SafetensorError, KeyError, ValueError) as error:
        raise DatasetError(f"{path} is no file of frozen grasps ({error})") from error
    if grasps.vectors.shape != (len(grasps.object_indices), MANO_VECTOR_SIZE):
        raise DatasetError(f"{path}: expected vectors [M, {MANO_VECTOR_SIZE}], found {tuple(grasps.vectors.shape)}")
    return grasps.of_splits(splits)


def checksum_file(path: Path) -> Path:
    """Where the SHA-256 of a frozen file stands."""
    return path.with_suffix(".sha256")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
