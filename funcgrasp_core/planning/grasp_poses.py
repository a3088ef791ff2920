"""Where a robot's wrist has to be at the grasp and before it."""

import torch
from torch import Tensor

from funcgrasp_core.contracts import MANO_VECTOR_SIZE
from funcgrasp_core.geometry.rotations import axis_angle_to_matrix

PREGRASP_DISTANCE_M = 0.10
"""How far back from the grasp, against the approach direction, the wrist waits."""


def wrist_poses(vectors: Tensor) -> Tensor:
    """frame_from_wrist [K, 4, 4] of MANO vectors [K, 61]: MANO's wrist axes, origin at the wrist joint."""
    poses = torch.eye(4, dtype=vectors.dtype, device=vectors.device).repeat(vectors.shape[0], 1, 1)
    poses[:, :3, :3] = axis_angle_to_matrix(vectors[:, :3])
    poses[:, :3, 3] = vectors[:, MANO_VECTOR_SIZE - 3 :]
    return poses


def approach_directions(wrist_poses: Tensor, palm_axes: Tensor) -> Tensor:
    """Unit vectors [K, 3] along which the hand moves in: out of the palm, towards the object.

    Args:
        wrist_poses: [K, 4, 4] frame_from_wrist.
        palm_axes: [3, 3] in the wrist's axes; the last column points out of the palm.
    """
    return wrist_poses[:, :3, :3] @ palm_axes[:, 2].to(wrist_poses)


def pregrasp_poses(wrist_poses: Tensor, approach_directions: Tensor, distance_m: float = PREGRASP_DISTANCE_M) -> Tensor:
    """The wrist poses [K, 4, 4] moved back by `distance_m` against the approach directions [K, 3]."""
    poses = wrist_poses.clone()
    poses[:, :3, 3] -= distance_m * approach_directions
    return poses
