"""The mode of a grasp: the pose of its palm, from which side and where the hand comes.

Everything after the mode is done in the palm's frame, so what was learned about a handle in one orientation holds
in every other. The palm's axes: along the fingers, out of the palm, and their cross product.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from funcgrasp_core.geometry.rotations import (
    axis_angle_to_matrix,
    matrix_to_axis_angle,
    matrix_to_rotation_6d,
    rotation_6d_to_matrix,
)
from funcgrasp_core.grasp_model.sample_random import SampleRandom
from funcgrasp_core.hand.mano_assets import ManoAssets
from funcgrasp_core.hand.palm_frame import palm_frame

MODE_SIZE = 9
"""6-D rotation, then the palm's centre in metres."""


@dataclass(frozen=True)
class PalmPoses:
    """Palm poses in the object frame.

    Attributes:
        rotation: [..., 3, 3] object_from_palm.
        centre: [..., 3] metres.
    """

    rotation: Tensor
    centre: Tensor

    def points_in_palm(self, points: Tensor) -> Tensor:
        """[B, N, 3] object points under [B, K] palms -> [B, K, N, 3]."""
        offsets = points[:, None] - self.centre[:, :, None]
        return torch.einsum("bkji,bknj->bkni", self.rotation, offsets)

    def vectors_in_palm(self, vectors: Tensor) -> Tensor:
        """MANO vectors [..., 61] of the object frame, re-expressed in the palm's frame."""
        inverse = self.rotation.transpose(-1, -2)
        translation = (inverse @ (vectors[..., 58:] - self.centre)[..., None])[..., 0]
        return _with_global_pose(vectors, inverse @ axis_angle_to_matrix(vectors[..., :3]), translation)

    def vectors_in_object(self, vectors: Tensor) -> Tensor:
        """Inverse of `vectors_in_palm`."""
        translation = (self.rotation @ vectors[..., 58:, None])[..., 0] + self.centre
        return _with_global_pose(vectors, self.rotation @ axis_angle_to_matrix(vectors[..., :3]), translation)

    def disturbed(self, position_m: float, rotation_rad: float, random: SampleRandom) -> "PalmPoses":
        """The same poses [B, ...] with normal noise; each pose's noise has its own scale between zero and the given."""
        shape = self.centre.shape[1:]
        scale = random.uniform(*shape[:-1], 1, like=self.centre)
        turn = axis_angle_to_matrix(rotation_rad * scale * random.normal(*shape, like=self.centre))
        offset = position_m * scale * random.normal(*shape, like=self.centre)
        return PalmPoses(self.rotation @ turn, self.centre + offset)

    def to_mode(self) -> Tensor:
        """[..., 9]: 6-D rotation, centre."""
        return torch.cat([matrix_to_rotation_6d(self.rotation), self.centre], dim=-1)

    @classmethod
    def from_mode(cls, mode: Tensor) -> "PalmPoses":
        """Inverse of `to_mode`; the 6-D rotation is made orthonormal."""
        return cls(rotation_6d_to_matrix(mode[..., :6]), mode[..., 6:])


def _with_global_pose(vectors: Tensor, rotation: Tensor, translation: Tensor) -> Tensor:
    return torch.cat([matrix_to_axis_angle(rotation), vectors[..., 3:58], translation], dim=-1)


class PalmFrame(nn.Module):
    """The palm's place on the hand, kept with the weights that were trained for it.

    Args:
        centre: [3] metres, relative to the wrist, in the wrist's axes.
        rotation: [3, 3] wrist_from_palm.
    """

    centre: Tensor
    rotation: Tensor

    def __init__(self, centre: Tensor, rotation: Tensor) -> None:
        super().__init__()
        self.register_buffer("centre", centre)
        self.register_buffer("rotation", rotation)

    @classmethod
    def of_hand(cls, assets: ManoAssets) -> "PalmFrame":
        """The palm frame of a hand at rest."""
        centre, axes = palm_frame(assets)
        fingers, _, outward = axes.float().unbind(dim=1)
        return cls(centre.float(), torch.stack([fingers, outward, torch.linalg.cross(fingers, outward)], dim=1))

    def poses_of(self, vectors: Tensor) -> PalmPoses:
        """Palm poses of MANO vectors [..., 61]."""
        wrist_rotation = axis_angle_to_matrix(vectors[..., :3])
        return PalmPoses(wrist_rotation @ self.rotation, vectors[..., 58:] + wrist_rotation @ self.centre)
