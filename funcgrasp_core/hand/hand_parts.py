"""Which hand part every vertex and joint belongs to, in the order of PART_NAMES."""

import torch

from funcgrasp_core.contracts import PART_NAMES
from funcgrasp_core.hand.mano_assets import FINGER_CHAINS, ManoAssets

PALM = PART_NAMES.index("palm")

JOINT_PART_LABELS = torch.tensor([PALM, *(PART_NAMES.index(finger) for finger in FINGER_CHAINS for _ in range(4))])
"""[21] part of each of the hand's joints: the wrist counts to the palm, a tip to its finger."""

_PART_OF_MANO_JOINT = torch.full((16,), PALM)
for _finger, _chain in FINGER_CHAINS.items():
    _PART_OF_MANO_JOINT[list(_chain)] = PART_NAMES.index(_finger)


def vertex_part_labels(assets: ManoAssets) -> torch.Tensor:
    """[778] part (long, 0 to 5) of every vertex: that of the joint with the largest skin weight.

    Vertices that follow the wrist are the palm; the ball of the thumb follows the thumb's base and is thumb.
    """
    return _PART_OF_MANO_JOINT[torch.as_tensor(assets.weights).argmax(dim=1)]
