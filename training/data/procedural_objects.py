"""The objects of the procedural data set: their ids, splits and shapes, all decided by category, number and seed."""

import hashlib
import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from funcgrasp_core.errors import DatasetError
from training.data.oakink_layout import SPLITS, split_of
from training.data.oakink_writer import write_whole
from training.data.object_families import FAMILIES, ObjectFamily

OBJECTS_FILE = "procedural_objects.json"

_ID_PREFIXES = {"mug": "MG", "bottle": "BT", "hammer": "HM", "bowl": "BW"}
_HELD_OUT_SHARE = 0.1
"""Of all objects in validation, and again in testing."""


@dataclass(frozen=True)
class ProceduralObject:
    """One object.

    Attributes:
        category: a key of FAMILIES.
        object_id: six characters whose split by OakInk's rule is the object's.
        parameters: of its family, [1] each.
    """

    category: str
    object_id: str
    parameters: dict[str, Tensor]

    @property
    def family(self) -> ObjectFamily:
        """The family that the parameters belong to."""
        return FAMILIES[self.category]

    @property
    def name(self) -> str:
        """Folder name of the mesh."""
        return f"{self.category}_{self.object_id}"

    @property
    def digest(self) -> str:
        """Differs whenever id, category or a parameter differs; hexadecimal."""
        numbers = {name: [float(number) for number in value] for name, value in self.parameters.items()}
        content = json.dumps([self.object_id, self.category, numbers], sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()

    @property
    def split(self) -> str:
        """By OakInk's rule."""
        return split_of(self.object_id)


def split_counts(objects_per_category: int) -> dict[str, int]:
    """How many objects of a category belong to each split: 8 : 1 : 1, at least one in each."""
    if objects_per_category < len(SPLITS):
        raise DatasetError(f"a category needs at least {len(SPLITS)} objects, one a split; got {objects_per_category}")
    held_out = max(1, round(objects_per_category * _HELD_OUT_SHARE))
    return {"train": objects_per_category - 2 * held_out, "val": held_out, "test": held_out}


def object_ids(category: str, split: str, num_objects: int) -> list[str]:
    """The first ids of a category that OakInk's rule puts into a split."""
    candidates = (f"{_ID_PREFIXES[category]}{number:04d}" for number in range(10_000))
    chosen = list(itertools.islice((name for name in candidates if split_of(name) == split), num_objects))
    if len(chosen) < num_objects:
        raise DatasetError(f"there are only {len(chosen)} ids for {category} objects of split '{split}'")
    return chosen


def make_objects(objects_per_category: int, seed: int, splits: Sequence[str] = SPLITS) -> list[ProceduralObject]:
    """Objects of every category; an object's shape depends on its id and the seed only."""
    counts = split_counts(objects_per_category)
    return [
        ProceduralObject(
            category,
            object_id,
            family.sample_parameters(1, torch.Generator().manual_seed(object_seed(object_id, seed))),
        )
        for category, family in FAMILIES.items()
        for split in splits
        for object_id in object_ids(category, split, counts[split])
    ]


def object_seed(object_id: str, seed: int) -> int:
    """A seed of an object's own random choices."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{object_id}".encode()).digest()[:4], "big")


def stack_parameters(objects: Sequence[ProceduralObject]) -> dict[str, Tensor]:
    """The parameters of objects of one category as [B] tensors."""
    return {name: torch.cat([item.parameters[name] for item in objects]) for name in objects[0].parameters}


def write_procedural_objects(root: Path, objects: Sequence[ProceduralObject]) -> None:
    """Adds the shapes to the table beside the data set, so that exact distances can be computed later.

    An object that the table knows already gets its new shape.
    """
    known = read_procedural_objects(root) if (root / OBJECTS_FILE).is_file() else {}
    table = {
        item.object_id: {
            "category": item.category,
            "parameters": {name: float(value) for name, value in item.parameters.items()},
        }
        for item in (known | {item.object_id: item for item in objects}).values()
    }
    write_whole(root / OBJECTS_FILE, (json.dumps(table, indent=1) + "\n").encode())


def read_procedural_objects(root: Path | str) -> dict[str, ProceduralObject]:
    """Object id -> object of a generated data set.

    Raises:
        DatasetError: the table is missing or damaged.
    """
    path = Path(root) / OBJECTS_FILE
    try:
        table = json.loads(path.read_text())
        return {
            object_id: ProceduralObject(
                entry["category"],
                object_id,
                {name: torch.tensor([value]) for name, value in entry["parameters"].items()},
            )
            for object_id, entry in table.items()
        }
    except OSError as error:
        raise DatasetError(f"{path} is missing: only generated data sets have it") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DatasetError(f"{path} is damaged ({error!r}): generate the data set again") from error
