"""Forward kinematics of the Shadow Dexterous Hand (right), batched and differentiable.

Link offsets, joint axes and limits are those that Shadow Robot publishes for this hand (package sr_description,
https://github.com/shadow-robot/sr_common). The palm frame is Shadow's: origin between wrist and palm, x to the thumb's
side, y out of the hand's back, z along the fingers. Metres, radians.
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor

from funcgrasp_core.geometry.rotations import axis_angle_to_matrix
from funcgrasp_core.hand.palm_frame import WRIST_SHARE
from training.data.dexfuncgrasp.graspit_world import NUM_DOFS
from training.data.dexfuncgrasp.hand_keypoints import KNUCKLE_JOINTS, HandKeypoints

DOF_NAMES = (
    *("LFJ5", "LFJ4", "LFJ3", "LFJ2", "LFJ1"),
    *("RFJ4", "RFJ3", "RFJ2", "RFJ1"),
    *("MFJ4", "MFJ3", "MFJ2", "MFJ1"),
    *("FFJ4", "FFJ3", "FFJ2", "FFJ1"),
    *("THJ5", "THJ4", "THJ3", "THJ2", "THJ1"),
)
"""The 22 joints in the order of a world file: little finger to thumb, from base to tip."""

SHADOW_FINGERS = ("TH", "FF", "MF", "RF", "LF")
"""Shadow's names of thumb, index, middle, ring and little finger, in our order."""

GRASPIT_AXES_IN_PALM = ((0.0, 0.0, 1.0), (-1.0, 0.0, 0.0), (0.0, -1.0, 0.0))
"""GraspIt's x, y and z axes of the hand in the palm frame; the origin is the same."""

PALM_HALF_THICKNESS_M = 0.0111

FINGER_RADIUS_M, THUMB_RADIUS_M = 0.007, 0.009
"""Of the distal links about their axes."""

_X, _Y, _Z = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)
_HERE = (0.0, 0.0, 0.0)


class _Joint(NamedTuple):
    """A hinge: its offset from the joint before it, its axis there, and its limits."""

    offset: tuple[float, float, float]
    axis: tuple[float, float, float]
    lower: float
    upper: float


def _negated(axis: tuple[float, float, float]) -> tuple[float, float, float]:
    return tuple(-value for value in axis)  # type: ignore[return-value]


def _finger(knuckle: tuple[float, float, float], spread_axis: tuple[float, float, float]) -> tuple[_Joint, ...]:
    return (
        _Joint(knuckle, spread_axis, -0.349, 0.349),
        _Joint(_HERE, _X, 0.0, 1.571),
        _Joint((0.0, 0.0, 0.045), _X, 0.0, 1.571),
        _Joint((0.0, 0.0, 0.025), _X, 0.0, 1.571),
    )


_CHAINS = {
    "TH": (
        _Joint((0.034, -0.0085, 0.029), _negated(_Z), -1.047, 1.047),
        _Joint(_HERE, _X, 0.0, 1.222),
        _Joint((0.0, 0.0, 0.038), _X, -0.209, 0.209),
        _Joint(_HERE, _negated(_Y), -0.698, 0.698),
        _Joint((0.0, 0.0, 0.032), _negated(_Y), -0.262, 1.571),
    ),
    "FF": _finger((0.033, 0.0, 0.095), _negated(_Y)),
    "MF": _finger((0.011, 0.0, 0.099), _negated(_Y)),
    "RF": _finger((-0.011, 0.0, 0.095), _Y),
    "LF": (
        _Joint((-0.033, 0.0, 0.02071), (0.573576, 0.0, 0.819152), 0.0, 0.785),
        *_finger((0.0, 0.0, 0.06579), _Y),
    ),
}

_THUMB_BASE_TURN_RAD = math.pi / 4
"""The thumb's base frame is turned by this about the palm's y."""

_KEYPOINT_JOINTS = {"TH": (1, 2, 4), "FF": (1, 2, 3), "MF": (1, 2, 3), "RF": (1, 2, 3), "LF": (2, 3, 4)}
"""Joints of each chain whose positions are a human finger's three joints: base, middle and distal."""

_TIP_OFFSET_M = {finger: 0.0349 if finger == "TH" else 0.0295 for finger in SHADOW_FINGERS}
"""From the distal joint to the surface of the standard fingertip; Shadow's tip frames lie inside, at 27.5 and 26 mm."""

_PAD_OFFSET_M = {finger: (0.0, -FINGER_RADIUS_M, 0.018) for finger in SHADOW_FINGERS} | {
    "TH": (-THUMB_RADIUS_M, 0.0, 0.020)
}
"""Middle of the fingertip's palmar surface in the distal link's frame."""


def shadow_forward_kinematics(dof_values: Tensor, palm_rotation: Tensor, palm_translation: Tensor) -> HandKeypoints:
    """Keypoints of Shadow Hands; the palm frame's origin stands for the wrist.

    Args:
        dof_values: [B, 22] in the order of `DOF_NAMES`.
        palm_rotation: [B, 3, 3] of the palm frame.
        palm_translation: [B, 3].
    """
    joints, pads, pad_normals = [palm_translation], [], []
    for finger in SHADOW_FINGERS:
        rotation, position = palm_rotation, palm_translation
        places = []
        for number, (joint, angle) in enumerate(zip(_CHAINS[finger], _angles(dof_values, finger), strict=True)):
            position = position + _turned(rotation, joint.offset)
            if finger == "TH" and number == 0:
                rotation = rotation @ _hinge(_Y, torch.full_like(angle, _THUMB_BASE_TURN_RAD))
            rotation = rotation @ _hinge(joint.axis, angle)
            places.append(position)
        joints += [places[number] for number in _KEYPOINT_JOINTS[finger]]
        joints.append(position + _turned(rotation, (0.0, 0.0, _TIP_OFFSET_M[finger])))
        pads.append(position + _turned(rotation, _PAD_OFFSET_M[finger]))
        pad_normals.append(_turned(rotation, _negated(_X if finger == "TH" else _Y)))
    stacked = torch.stack(joints, dim=1)
    return HandKeypoints(
        stacked,
        torch.stack(pads, dim=1),
        torch.stack(pad_normals, dim=1),
        palm_rotation,
        _palm_centre(stacked, palm_rotation),
    )


def palm_rotation_of_graspit(hand_rotation: Tensor) -> Tensor:
    """Rotations [..., 3, 3] of the palm frame from those of GraspIt's hand frame."""
    return hand_rotation @ torch.tensor(GRASPIT_AXES_IN_PALM).to(hand_rotation)


def joint_limits() -> tuple[Tensor, Tensor]:
    """Smallest and largest angle [22] of every joint, in the order of `DOF_NAMES`."""
    limits = {
        f"{finger}J{len(chain) - number}": joint
        for finger, chain in _CHAINS.items()
        for number, joint in enumerate(chain)
    }
    ordered = [limits[name] for name in DOF_NAMES]
    return torch.tensor([joint.lower for joint in ordered]), torch.tensor([joint.upper for joint in ordered])


def _angles(dof_values: Tensor, finger: str) -> tuple[Tensor, ...]:
    if dof_values.shape[-1] != NUM_DOFS:
        raise ValueError(f"expected {NUM_DOFS} joint angles, got {dof_values.shape[-1]}")
    return tuple(dof_values[:, index] for index, name in enumerate(DOF_NAMES) if name.startswith(finger))


def _hinge(axis: tuple[float, float, float], angles: Tensor) -> Tensor:
    """Rotations [B, 3, 3] about one axis by angles [B]."""
    direction = torch.nn.functional.normalize(torch.tensor(axis).to(angles), dim=0)
    return axis_angle_to_matrix(angles[:, None] * direction)


def _turned(rotation: Tensor, vector: tuple[float, float, float]) -> Tensor:
    return rotation @ torch.tensor(vector).to(rotation)


def _palm_centre(joints: Tensor, palm_rotation: Tensor) -> Tensor:
    """Where `palm_frame` puts it on a human hand: between wrist and knuckles, on the surface."""
    inner = WRIST_SHARE * joints[:, 0] + (1 - WRIST_SHARE) * joints[:, list(KNUCKLE_JOINTS)].mean(1)
    return inner - PALM_HALF_THICKNESS_M * palm_rotation[:, :, 1]
