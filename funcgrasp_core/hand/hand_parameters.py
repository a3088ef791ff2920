"""The MANO vector of 61 numbers, and the forms of it that models predict."""

from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from funcgrasp_core.contracts import MANO_VECTOR_SIZE
from funcgrasp_core.geometry.rotations import (
    axis_angle_to_matrix,
    matrix_to_axis_angle,
    matrix_to_rotation_6d,
    rotation_6d_to_matrix,
)
from funcgrasp_core.hand.joint_limits import axis_angle_from_joint_angles, joint_angles_from_axis_angle, joint_bases
from funcgrasp_core.hand.mano_assets import ManoAssets
from funcgrasp_core.hand.palm_frame import palm_frame


class HandParameters(NamedTuple):
    """The pieces of a MANO vector.

    Attributes:
        pose: [..., 48] axis-angle: global rotation, then 15 joints in MANO's order, flat mean.
        shape: [..., 10].
        translation: [..., 3] position of the wrist, metres.
    """

    pose: Tensor
    shape: Tensor
    translation: Tensor


def split_vector(vectors: Tensor) -> HandParameters:
    """The pieces of MANO vectors [..., 61]."""
    return HandParameters(*vectors.split([48, 10, 3], dim=-1))


def join_vector(pose: Tensor, shape: Tensor, translation: Tensor) -> Tensor:
    """MANO vectors [..., 61] of pose [..., 48], shape [..., 10] and translation [..., 3]."""
    return torch.cat([pose, shape, translation], dim=-1)


class HandParameterisation(Protocol):
    """A form of the MANO vector that a model predicts."""

    @property
    def size(self) -> int:
        """D, how many numbers describe a hand."""
        ...

    def encode(self, vectors: Tensor) -> Tensor:
        """[..., D] of MANO vectors [..., 61]."""
        ...

    def decode(self, parameters: Tensor) -> Tensor:
        """MANO vectors [..., 61] of [..., D]."""
        ...


class AxisAngleParameterisation:
    """The MANO vector itself."""

    size = MANO_VECTOR_SIZE

    def encode(self, vectors: Tensor) -> Tensor:
        """The vectors [..., 61] as they are."""
        return vectors

    def decode(self, parameters: Tensor) -> Tensor:
        """The vectors [..., 61] as they are."""
        return parameters


class JointBasisParameterisation:
    """Global rotation as 6-D, finger joints as anatomical angles, and the palm's centre instead of the wrist.

    The 64 numbers: 6 rotation (first two columns), 45 twist, abduction and flexion of joints 1 to 15, 3 position of
    the palm's centre in metres, 10 shape. The palm is what an object meets, so its position depends less on the
    rotation than the wrist's does. The palm's centre is that of the mean shape, whatever the shape.

    Args:
        assets: the hand whose joint axes and palm are used.
    """

    size = 64

    def __init__(self, assets: ManoAssets):
        self.bases = joint_bases(assets).float()
        self.palm_centre_in_wrist = palm_frame(assets)[0].float()

    def encode(self, vectors: Tensor) -> Tensor:
        """[..., 64] of MANO vectors [..., 61]."""
        pose, shape, translation = split_vector(vectors)
        rotation = axis_angle_to_matrix(pose[..., :3])
        joint_angles = joint_angles_from_axis_angle(pose[..., 3:], self.bases).flatten(-2)
        palm_centre = translation + rotation @ self.palm_centre_in_wrist.to(vectors)
        return torch.cat([matrix_to_rotation_6d(rotation), joint_angles, palm_centre, shape], dim=-1)

    def decode(self, parameters: Tensor) -> Tensor:
        """MANO vectors [..., 61] of [..., 64]; the rotation's six numbers need not be orthonormal."""
        rotation_6d, joint_angles, palm_centre, shape = parameters.split([6, 45, 3, 10], dim=-1)
        rotation = rotation_6d_to_matrix(rotation_6d)
        translation = palm_centre - rotation @ self.palm_centre_in_wrist.to(parameters)
        fingers = axis_angle_from_joint_angles(joint_angles.unflatten(-1, (15, 3)), self.bases)
        pose = torch.cat([matrix_to_axis_angle(rotation), fingers], dim=-1)
        return join_vector(pose, shape, translation)
