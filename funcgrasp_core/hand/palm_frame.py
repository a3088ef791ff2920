"""The palm of any hand in MANO's form: its axes, and a point on its surface that grasps can be placed by."""

from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from funcgrasp_core.hand.mano_assets import FINGER_CHAINS, ManoAssets

WRIST_SHARE = 0.35
"""The palm's centre lies this far from the knuckles towards the wrist."""

SURFACE_SEARCH_RADIUS_M = 0.012


class PalmAxes(NamedTuple):
    """Orthonormal axes of the palm at rest, each [3]."""

    fingers: np.ndarray
    thumb_side: np.ndarray
    outward: np.ndarray


def palm_axes(rest_joints: np.ndarray, side: Literal["right", "left"] = "right") -> PalmAxes:
    """Axes along the fingers, to the thumb's side, and out of the palm's surface, from rest joints [16, 3]."""
    knuckles = _knuckles(rest_joints)
    # The hand's long axis runs through the middle finger's knuckle.
    fingers = _unit(knuckles[1] - rest_joints[0])
    across = knuckles[0] - knuckles[-1]
    thumb_side = _unit(across - (across @ fingers) * fingers)
    outward = np.cross(thumb_side, fingers)
    return PalmAxes(fingers, thumb_side, outward if side == "right" else -outward)


def palm_frame(assets: ManoAssets) -> tuple[Tensor, Tensor]:
    """Centre of the palm's surface and the palm's axes, at rest.

    Returns:
        centre [3]: metres from the wrist, in the wrist's axes; it turns with the wrist.
        axes [3, 3]: columns are the fingers' direction, the thumb's side and the way out of the palm. For a right
        hand these three are left-handed (determinant -1): they are directions to look up, not a rotation.
    """
    joints = assets.rest_joints
    axes = palm_axes(joints, assets.side)
    inner = WRIST_SHARE * joints[0] + (1 - WRIST_SHARE) * _knuckles(joints).mean(axis=0)
    offset = assets.v_template - inner
    height = offset @ axes.outward
    lateral = np.linalg.norm(offset - height[:, None] * axes.outward, axis=1)
    near = (lateral < SURFACE_SEARCH_RADIUS_M) & (height > 0)
    centre = inner - joints[0] + height[near].mean() * axes.outward
    return torch.as_tensor(centre), torch.as_tensor(np.stack(axes, axis=1))


def _knuckles(joints: np.ndarray) -> np.ndarray:
    """[4, 3] base joints of index, middle, ring and pinky."""
    return joints[[FINGER_CHAINS[finger][0] for finger in ("index", "middle", "ring", "pinky")]]


def _unit(vector: np.ndarray) -> np.ndarray:
    return vector / np.linalg.norm(vector)
