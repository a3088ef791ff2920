"""The pictures of every object at every rendered yaw, as a model takes them: kept as bytes, or read on demand."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from funcgrasp_core.contracts import VIEW_SLOTS
from funcgrasp_core.preprocessing.object_views import prepare_views_uint8
from training.data.block_cache import BlockCache, content_key
from training.data.file_digests import FileDigests
from training.data.view_rendering import VIEW_YAWS_DEG, views_folder

VIEWS_FORMAT = 1
"""Counts up when prepared pictures change."""


class PictureReader(Protocol):
    """What reads the pictures of a data set."""

    root: Path

    def views(self, object_id: str, yaw_deg: int) -> dict[str, np.ndarray]:
        """Pictures [S, S, 3] uint8 by slot."""
        ...


def views_key(reader: PictureReader, object_id: str, view_size: int, digests: FileDigests) -> str:
    """A digest of an object's pictures and of the size that they are brought to."""
    files = [
        digests.digest(views_folder(reader.root, object_id, yaw_deg) / f"{slot}.png")
        for yaw_deg in VIEW_YAWS_DEG
        for slot in VIEW_SLOTS
    ]
    return content_key("views", VIEWS_FORMAT, VIEW_YAWS_DEG, view_size, files)


def prepared_views(reader: PictureReader, object_id: str, view_size: int) -> dict[str, Tensor]:
    """`images` [Y, 6, S, S, 3] uint8 and `mask` [Y, 6] bool of an object at all Y rendered yaws."""
    pairs = [prepare_views_uint8(reader.views(object_id, yaw_deg), view_size) for yaw_deg in VIEW_YAWS_DEG]
    return {
        "images": torch.from_numpy(np.stack([images for images, _ in pairs])),
        "mask": torch.from_numpy(np.stack([mask for _, mask in pairs])),
    }


def view_mask(reader: PictureReader, object_id: str) -> Tensor:
    """[Y, 6] bool, true where there is a picture."""
    folders = [views_folder(reader.root, object_id, yaw_deg) for yaw_deg in VIEW_YAWS_DEG]
    return torch.tensor([[(folder / f"{slot}.png").is_file() for slot in VIEW_SLOTS] for folder in folders])


class StoredPictures(Sequence[Tensor]):
    """[Y, 6, S, S, 3] uint8 of each object, prepared once and mapped from disk.

    Args:
        reader: of the pictures.
        object_ids: which objects, in which order.
        view_size: S.
        keys: of each object, see `views_key`.
        cache: where they are kept.
    """

    def __init__(
        self, reader: PictureReader, object_ids: Sequence[str], view_size: int, keys: Sequence[str], cache: BlockCache
    ):
        self._blocks = [
            cache.load_or_compute(
                "views", object_id, key, lambda object_id=object_id: prepared_views(reader, object_id, view_size)
            )["images"]
            for object_id, key in tqdm(zip(object_ids, keys, strict=True), "pictures", len(keys), mininterval=1)
        ]

    def __len__(self) -> int:
        return len(self._blocks)

    def __getitem__(self, index: int) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride] - no slices
        return self._blocks[index]


class PictureFiles(Sequence[Tensor]):
    """[Y, 6, S, S, 3] uint8 of each object, read from its picture files whenever it is asked for.

    For frozen encoders: they see every picture once, so nothing is kept but their features.

    Args:
        reader: of the pictures.
        object_ids: which objects, in which order.
        view_size: S.
    """

    def __init__(self, reader: PictureReader, object_ids: Sequence[str], view_size: int):
        self._reader, self._object_ids, self._view_size = reader, tuple(object_ids), view_size

    def __len__(self) -> int:
        return len(self._object_ids)

    def __getitem__(self, index: int) -> Tensor:  # pyright: ignore[reportIncompatibleMethodOverride] - no slices
        return prepared_views(self._reader, self._object_ids[index], self._view_size)["images"]
