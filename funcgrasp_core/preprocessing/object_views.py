"""Camera views become square pictures in the order of VIEW_SLOTS, with a mask of those that exist.

Views are kept as bytes [6, S, S, 3] (files, data sets) and turned into numbers by `float_views` alone, in training and
serving alike. S is the side in pixels.
"""

from collections.abc import Mapping

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from funcgrasp_core.contracts import VIEW_SLOTS
from funcgrasp_core.errors import BadImageError, ConfigurationError

_TURNED_FROM = {"back": "right", "left": "back", "front": "left", "right": "front", "top": "top", "bottom": "bottom"}
"""After a turn of the object by +90 degrees about +z, slot -> the slot that saw the same side before.

What faced +x then faces +y: the back camera sees what the right camera saw."""

_SLOT_ORDER = [VIEW_SLOTS.index(_TURNED_FROM[slot]) for slot in VIEW_SLOTS]
_TOP, _BOTTOM = VIEW_SLOTS.index("top"), VIEW_SLOTS.index("bottom")


def prepare_views(views: Mapping[str, np.ndarray], size: int) -> tuple[np.ndarray, np.ndarray]:
    """The views as the model takes them.

    Args:
        views: slot -> [H, W, 3] uint8 RGB; missing slots are absent.
        size: S.

    Returns:
        images [6, 3, S, S] float32 in [0, 1], zero where missing, and mask [6] bool.

    Raises:
        BadImageError: an unknown slot, or an image of another type or shape.
    """
    images, mask = prepare_views_uint8(views, size)
    return float_views(torch.from_numpy(images)).numpy(), mask


def prepare_views_uint8(views: Mapping[str, np.ndarray], size: int) -> tuple[np.ndarray, np.ndarray]:
    """As `prepare_views`, but images [6, S, S, 3] uint8, a quarter of the memory.

    Each image is cropped to the square at its centre and resized by an area-aware linear filter, so that shrinking does
    not alias.
    """
    if size < 1:
        raise ConfigurationError(f"the side of prepared views must be at least 1 pixel, got {size}")
    unknown = sorted(set(views) - set(VIEW_SLOTS))
    if unknown:
        raise BadImageError(f"there are no view slots {unknown}: expected {', '.join(VIEW_SLOTS)}")
    images = np.zeros((len(VIEW_SLOTS), size, size, 3), dtype=np.uint8)
    mask = np.zeros(len(VIEW_SLOTS), dtype=bool)
    for index, slot in enumerate(VIEW_SLOTS):
        if slot in views:
            images[index] = _square_image(slot, views[slot], size)
            mask[index] = True
    return images, mask


def float_views(images: Tensor) -> Tensor:
    """Bytes as numbers: images [..., S, S, 3] uint8 -> [..., 3, S, S] float32 in [0, 1]."""
    return images.movedim(-1, -3).contiguous().float() / 255


def rotate_view_slots(images: Tensor, num_quarter_turns: int) -> Tensor:
    """The views of an object that was turned by quarter turns about +z, made from those before the turn.

    The four sides change places. Seen from above the picture turns the way the object does, counter-clockwise; seen
    from below, clockwise. Exact for cameras that are placed alike and for light that does not depend on the slot.

    Args:
        images: [..., 6, S, S, 3].
        num_quarter_turns: positive from +x to +y; any integer.

    Returns:
        [..., 6, S, S, 3], a new tensor.
    """
    turns = num_quarter_turns % 4
    turned = images[..., _turned_order(turns), :, :, :]
    for slot, sense in ((_TOP, 1), (_BOTTOM, -1)):
        turned[..., slot, :, :, :] = torch.rot90(images[..., slot, :, :, :], sense * turns, dims=(-3, -2))
    return turned


def rotate_view_mask(mask: Tensor, num_quarter_turns: int) -> Tensor:
    """Which views exist after the turn of `rotate_view_slots`: mask [..., 6] -> [..., 6]."""
    return mask[..., _turned_order(num_quarter_turns % 4)]


def _turned_order(num_quarter_turns: int) -> list[int]:
    order = list(range(len(VIEW_SLOTS)))
    for _ in range(num_quarter_turns):
        order = [order[index] for index in _SLOT_ORDER]
    return order


def _square_image(slot: str, image: np.ndarray, size: int) -> np.ndarray:
    """An image [H, W, 3] as [size, size, 3]."""
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8:
        found = image.dtype if isinstance(image, np.ndarray) else type(image).__name__
        raise BadImageError(
            f"view {slot!r} must be an array of uint8 RGB values 0 to 255, got {found}; convert it first"
        )
    if image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise BadImageError(
            f"view {slot!r} must have the shape [height, width, 3], got {list(image.shape)}; "
            "convert grey images to RGB and drop an alpha channel"
        )
    height, width = image.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = np.ascontiguousarray(image[top : top + side, left : left + side])
    if side == size:
        return square
    return np.asarray(Image.fromarray(square).resize((size, size), Image.Resampling.BILINEAR))
