"""Features of views after quarter turns of the object, without encoding anything again.

When an object turns by a quarter, its four side views only change places, while the views from above and below are
turned in the picture, which an encoder sees as another picture. So twelve pictures stand for all four quarter turns:
the six views, then the top and the bottom one after one, two and three quarter turns.
"""

import torch
from torch import Tensor

from funcgrasp_core.contracts import VIEW_SLOTS
from funcgrasp_core.preprocessing.object_views import rotate_view_mask, rotate_view_slots

NUM_PICTURES = 12
"""Of one rendered yaw."""

_NUM_SLOTS = len(VIEW_SLOTS)
_TOP, _BOTTOM = VIEW_SLOTS.index("top"), VIEW_SLOTS.index("bottom")


def all_turned_pictures(images: Tensor) -> Tensor:
    """The twelve pictures: views [6, S, S, 3] -> [12, S, S, 3]."""
    turned = [rotate_view_slots(images, turns) for turns in (1, 2, 3)]
    extra = [views[slot] for slot in (_TOP, _BOTTOM) for views in turned]
    return torch.cat([images, torch.stack(extra)])


def features_after_turn(features: Tensor, num_quarter_turns: int) -> Tensor:
    """The features of the six views of an object turned about +z: [12, ...] -> [6, ...]."""
    turns = num_quarter_turns % 4
    order = rotate_view_mask(torch.arange(_NUM_SLOTS), turns)
    if turns > 0:
        order[_TOP] = _NUM_SLOTS + turns - 1
        order[_BOTTOM] = _NUM_SLOTS + 3 + turns - 1
    return features[order]
