"""Anatomical angles of the finger joints, their limits, and how far a pose leaves them.

A joint's rotation vector is written in a basis of its own: twist about the bone, abduction about the palm's outward
direction there, flexion towards the palm. Joints are in MANO's order 1 to 15; angles in radians.
"""

import math
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from funcgrasp_core.hand.mano_assets import FINGER_CHAINS, ManoAssets
from funcgrasp_core.hand.palm_frame import palm_axes

THUMB_FLEXION_DIRECTION = (0.25, -0.80, 0.55)
"""Where the thumb's pad bends to, along the palm's axes (fingers, thumb side, out of the palm)."""

# (lower, upper) of twist, abduction, flexion in degrees, from base to tip.
_FINGER_LIMITS_DEG = (
    ((-5, 5), (-18, 18), (-20, 88)),
    ((-3, 3), (-4, 4), (-3, 105)),
    ((-3, 3), (-3, 3), (-5, 75)),
)
_THUMB_LIMITS_DEG = (
    ((-30, 30), (-40, 40), (-25, 50)),
    ((-8, 8), (-12, 12), (-10, 60)),
    ((-4, 4), (-4, 4), (-12, 80)),
)


def _limits() -> tuple[Tensor, Tensor]:
    limits = torch.zeros(15, 3, 2)
    for finger, chain in FINGER_CHAINS.items():
        for joint, joint_limits in zip(
            chain, _THUMB_LIMITS_DEG if finger == "thumb" else _FINGER_LIMITS_DEG, strict=True
        ):
            limits[joint - 1] = torch.tensor(joint_limits) * (math.pi / 180)
    return limits[..., 0], limits[..., 1]


JOINT_LOWER_RAD, JOINT_UPPER_RAD = _limits()
"""[15, 3] smallest and largest twist, abduction and flexion."""


def finger_joint_bases(
    rest_joints: np.ndarray, tips: np.ndarray, side: Literal["right", "left"] = "right"
) -> np.ndarray:
    """Axes of the finger joints at rest.

    Args:
        rest_joints: [16, 3].
        tips: [5, 3] fingertips from thumb to pinky.
        side: which hand.

    Returns:
        [15, 3, 3] with twist, abduction and flexion axis as columns, right-handed. Flexion turns the bone towards
        the palm, abduction turns about the direction that the joint's palm side faces.
    """
    axes = palm_axes(rest_joints, side)
    thumb_palm_side = np.stack(axes, axis=1) @ np.array(THUMB_FLEXION_DIRECTION)
    bases = np.zeros((15, 3, 3))
    for (finger, chain), tip in zip(FINGER_CHAINS.items(), tips, strict=True):
        palm_side = thumb_palm_side if finger == "thumb" else axes.outward
        for joint, end in zip(chain, [*rest_joints[list(chain[1:])], tip], strict=True):
            twist = end - rest_joints[joint]
            twist = twist / np.linalg.norm(twist)
            abduction = palm_side - (palm_side @ twist) * twist
            abduction = abduction / np.linalg.norm(abduction)
            bases[joint - 1] = np.stack([twist, abduction, np.cross(twist, abduction)], axis=1)
    return bases


def joint_bases(assets: ManoAssets) -> Tensor:
    """[15, 3, 3] twist, abduction and flexion axes (columns) of a hand's finger joints."""
    tips = assets.v_template[list(assets.tip_vertices)]
    return torch.as_tensor(finger_joint_bases(assets.rest_joints, tips, assets.side))


def joint_angles_from_axis_angle(finger_pose: Tensor, bases: Tensor) -> Tensor:
    """Twist, abduction and flexion [B, 15, 3] of axis-angle finger poses [B, 45]; bases [15, 3, 3]."""
    return torch.einsum("jab,...jb->...ja", bases.to(finger_pose).mT, finger_pose.unflatten(-1, (15, 3)))


def axis_angle_from_joint_angles(joint_angles: Tensor, bases: Tensor) -> Tensor:
    """Axis-angle finger poses [B, 45] of twist, abduction and flexion [B, 15, 3]; bases [15, 3, 3]."""
    return torch.einsum("jab,...jb->...ja", bases.to(joint_angles), joint_angles).flatten(-2)


def joint_limit_violation(joint_angles: Tensor) -> Tensor:
    """How far each angle [B, 15, 3] lies outside its limits, >= 0, radians; zero inside."""
    lower, upper = JOINT_LOWER_RAD.to(joint_angles), JOINT_UPPER_RAD.to(joint_angles)
    return (lower - joint_angles).clamp_min(0) + (joint_angles - upper).clamp_min(0)
