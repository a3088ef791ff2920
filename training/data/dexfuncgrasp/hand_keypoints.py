"""The points and directions by which hands of different kinds are compared.

Shapes: B hands, fingers from thumb to little finger. Metres, in the frame of the hands' poses.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from funcgrasp_core.hand.mano_assets import FINGER_CHAINS
from funcgrasp_core.hand.palm_frame import palm_frame
from training.data.grasping_hand import GraspingHand, HandState

TIP_JOINTS = (4, 8, 12, 16, 20)
DISTAL_JOINTS = (3, 7, 11, 15, 19)
KNUCKLE_JOINTS = (5, 9, 13, 17)
"""Among the 21 joints of a hand (wrist, then base, middle, distal joint and tip of each finger)."""


class HandKeypoints(NamedTuple):
    """What all hands have.

    Attributes:
        joints: [B, 21, 3] wrist, then base, middle, distal joint and tip (on the skin) of each finger.
        pads: [B, 5, 3] middle of each fingertip's palmar surface.
        pad_normals: [B, 5, 3] unit vectors out of the pads.
        palm_rotation: [B, 3, 3] x to the thumb's side, y out of the hand's back, z along the fingers.
        palm_centre: [B, 3] on the palm's surface.
    """

    joints: Tensor
    pads: Tensor
    pad_normals: Tensor
    palm_rotation: Tensor
    palm_centre: Tensor

    @property
    def tips(self) -> Tensor:
        """[B, 5, 3]."""
        return self.joints[:, list(TIP_JOINTS)]

    @property
    def distal_directions(self) -> Tensor:
        """[B, 5, 3] unit vectors from the distal joints to the tips."""
        return torch.nn.functional.normalize(self.tips - self.joints[:, list(DISTAL_JOINTS)], dim=-1)

    def rows(self, chosen: slice | Tensor) -> "HandKeypoints":
        """Some of the hands."""
        return HandKeypoints(*(value[chosen] for value in self))


class HumanKeypoints:
    """Finds the keypoints of MANO hands.

    Args:
        hand: whose pads and palm are used.
    """

    def __init__(self, hand: GraspingHand):
        assets = hand.layer.assets
        centre, axes = palm_frame(assets)
        fingers, thumb_side, outward = axes.float().unbind(dim=1)
        self._hand = hand
        self.palm_at_rest = torch.stack([thumb_side, -outward, fingers], dim=1)
        self._palm_centre = centre.float()
        rest = torch.as_tensor(assets.v_template, dtype=torch.float32)
        self._pad_vertices = torch.tensor(
            [_nearest_to_mean(rest, hand.groups[f"{finger}_tip"]) for finger in FINGER_CHAINS]
        )

    def __call__(self, state: HandState) -> HandKeypoints:
        """The keypoints of posed hands."""
        wrist = state.joint_rotations[:, 0]
        return HandKeypoints(
            state.joints,
            state.vertices[:, self._pad_vertices],
            self._hand.skin_normals(state, self._pad_vertices),
            wrist @ self.palm_at_rest.to(wrist),
            state.joints[:, 0] + wrist @ self._palm_centre.to(wrist),
        )


def rotation_angles(first: Tensor, second: Tensor) -> Tensor:
    """Angles [B] in radians between rotations [B, 3, 3]; accurate at small angles."""
    chord = (first - second).square().sum((-2, -1)).sqrt() / (2 * 2**0.5)
    return 2 * torch.asin(chord.clamp(max=1.0))


def _nearest_to_mean(points: Tensor, chosen: Tensor) -> int:
    offsets = points[chosen] - points[chosen].mean(0)
    return int(chosen[offsets.square().sum(-1).argmin()])
