"""Features of every object's pictures on disk, for encoders whose view side is not trained.

Each picture is encoded once: the six views at every rendered yaw, and the top and the bottom view after every quarter
turn (the side views only change places). A batch then looks features up, in the type that the encoder gave them.
"""

import dataclasses
from pathlib import Path
from typing import Protocol, cast

import torch
from torch import Tensor
from tqdm import tqdm

from funcgrasp_core.errors import ConfigurationError, DatasetError
from funcgrasp_core.grasp_model.semantic_encoder import SemanticEncoder
from funcgrasp_core.preprocessing.object_views import float_views
from training.data.block_cache import BlockCache, content_key, free_bytes, tensor_bytes
from training.data.observation_store import ObservationStore
from training.data.turned_view_features import NUM_PICTURES, all_turned_pictures

FEATURES_FORMAT = 1
"""Counts up when the content of the blocks changes."""

_KIND = "view_features"


class FrozenViewEncoder(Protocol):
    """A semantic encoder whose `encode_views` training does not change."""

    view_size: int
    views_are_frozen: bool

    @property
    def views_digest(self) -> str:
        """Identifies what `encode_views` computes: weights, their type, and how pictures are prepared for them."""
        ...

    def encode_views(self, images: Tensor) -> Tensor:
        """[B, 6, 3, S, S] in [0, 1] -> [B, 6, ...], of each picture by itself, in whichever slot it is."""
        ...


def frozen_view_encoder(encoder: SemanticEncoder) -> FrozenViewEncoder | None:
    """A model's semantic encoder if its features of views can be stored; None where training changes them."""
    return cast(FrozenViewEncoder, encoder) if encoder.views_are_frozen else None


def store_view_features(
    store: ObservationStore,
    encoder: FrozenViewEncoder,
    cache: BlockCache,
    device: torch.device | str = "cpu",
    show_progress: bool = True,
) -> ObservationStore:
    """The same store with features in place of pictures; what was encoded before is read from disk.

    Args:
        store: with pictures of the encoder's size.
        encoder: on the device.
        cache: of the features. An interrupted run continues after the last object.
        device: to encode on.
        show_progress: a bar.

    Raises:
        ConfigurationError: the encoder's view side is trained, or depends on the slot.
        DatasetError: the features do not fit on the disk, or cannot be written.
    """
    if not encoder.views_are_frozen:
        raise ConfigurationError(
            "features of views can be stored only where training does not change them: train with pictures, or freeze "
            "the encoder's view side"
        )
    place = torch.device(device)
    pictures = store.view_keys or tuple(content_key("pictures", store.views[i]) for i in range(store.num_objects))
    keys = [content_key("features", FEATURES_FORMAT, encoder.views_digest, encoder.view_size, key) for key in pictures]
    missing = [number for number, key in enumerate(keys) if not cache.has(_KIND, pictures[number], key)]
    if missing:
        _check_slots(encoder, store.views[missing[0]], place)
        _check_room(encoder, store, len(missing), cache.folder, place)
    progress = tqdm(
        enumerate(keys),
        "view features",
        len(keys),
        unit="object",
        mininterval=1,
        disable=not (missing and show_progress),
    )
    features = [
        cache.load_or_compute(
            _KIND, pictures[number], key, lambda n=number: {"features": _encode(encoder, store.views[n], place)}
        )["features"]
        for number, key in progress
    ]
    return dataclasses.replace(store, view_features=features)


def object_bytes(encoder: FrozenViewEncoder, num_yaws: int, device: torch.device | str = "cpu") -> int:
    """Size of one object's features."""
    with torch.no_grad():
        empty = torch.zeros(1, 6, 3, encoder.view_size, encoder.view_size, device=device)
        features = encoder.encode_views(empty)
    return num_yaws * NUM_PICTURES * tensor_bytes(tuple(features.shape[2:]), features.dtype)


@torch.no_grad()
def _encode(encoder: FrozenViewEncoder, views: Tensor, device: torch.device) -> Tensor:
    """[Y, 6, S, S, 3] uint8 -> [Y, 12, ...]."""
    pictures = torch.stack([all_turned_pictures(of_yaw) for of_yaw in views])
    images = float_views(pictures).unflatten(1, (-1, views.shape[1])).flatten(0, 1)
    return encoder.encode_views(images.to(device)).cpu().unflatten(0, (len(views), -1)).flatten(1, 2)


@torch.no_grad()
def _check_slots(encoder: FrozenViewEncoder, views: Tensor, device: torch.device) -> None:
    """Features are looked up in other slots than they were encoded in."""
    images = float_views(views[:1]).to(device)
    features, swapped = encoder.encode_views(images).float(), encoder.encode_views(images.flip(1)).float().flip(1)
    if not torch.allclose(features, swapped, rtol=0, atol=0.02 * float(features.abs().max()) + 1e-12):
        raise ConfigurationError(
            "the encoder's features of a picture depend on its slot, so they cannot stand for a turned object: add "
            "what depends on the slot after encode_views"
        )


def _check_room(
    encoder: FrozenViewEncoder, store: ObservationStore, num_missing: int, folder: Path, device: torch.device
) -> None:
    each, room = object_bytes(encoder, len(store.view_yaws_rad), device), free_bytes(folder)
    tqdm.write(
        f"view features: {each / 1e6:.2f} MB an object, {num_missing * each / 1e9:.2f} GB for {num_missing} objects in "
        f"{folder} ({room / 1e9:.1f} GB free)"
    )
    if num_missing * each > room:
        raise DatasetError(
            f"the view features of {num_missing} objects take {num_missing * each / 1e9:.1f} GB, {folder} has "
            f"{room / 1e9:.1f} GB left: make room, or give another folder with --cache"
        )
