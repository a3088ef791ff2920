"""Encoded views of the last requests, so that another instruction for the same views does not encode them again."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable

import torch
from torch import Tensor

from funcgrasp_core.errors import ConfigurationError
from funcgrasp_core.grasp_model.semantic_encoder import ViewFeatures, ViewImages


class FeatureCache:
    """Keeps the features of a few sets of views; which, is told by the views' bytes, so a hit is exact.

    The set that was asked for longest ago goes first.

    Args:
        encode: gives the features of views.
        capacity: how many sets are kept; 0 keeps none.

    Raises:
        ConfigurationError: a negative capacity.
    """

    def __init__(self, encode: Callable[[ViewImages], ViewFeatures], capacity: int) -> None:
        if capacity < 0:
            raise ConfigurationError(f"the capacity of the feature cache must not be negative, got {capacity}")
        self._encode = encode
        self._capacity = capacity
        self._kept: OrderedDict[bytes, ViewFeatures] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def features(self, images: Tensor, mask: Tensor, device: torch.device) -> ViewFeatures:
        """The features of one object's views, kept or new.

        Args:
            images: [6, 3, S, S] float32 on the CPU, as `prepare_views` gives them.
            mask: [6] bool on the CPU.
            device: where the features are needed.

        Returns:
            Features [1, 6, ...] and mask [1, 6] on the device.
        """
        key = _digest(images, mask)
        found = self._kept.get(key)
        if found is None:
            found = self._encode(ViewImages(images[None], mask[None]).to(device))
            if self._capacity == 0:
                return found
            self._kept[key] = found
            if len(self._kept) > self._capacity:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return found


def _digest(images: Tensor, mask: Tensor) -> bytes:
    """Of the views that exist, their size and their slots."""
    digest = hashlib.sha256(bytes(mask.tolist()))
    digest.update(repr(tuple(images.shape)).encode())
    digest.update(images[mask].numpy().tobytes())
    return digest.digest()
