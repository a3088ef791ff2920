"""Poses and transforms to 4 x 4 matrices and back.

A matrix is named `target_from_source`: it takes coordinates in `source` to coordinates in `target`.
"""

import numpy as np
import torch
from geometry_msgs.msg import Point, Pose, Quaternion, Transform, Vector3

from funcgrasp_core.errors import NoTransformError
from funcgrasp_core.geometry.rotations import matrix_to_quaternion, quaternion_to_matrix


def matrix_from_transform(transform: Transform) -> np.ndarray:
    """[4, 4] float64 of a transform; its child frame is the source."""
    return _matrix(transform.rotation, transform.translation)


def matrix_from_pose(pose: Pose) -> np.ndarray:
    """[4, 4] float64 of a pose; the posed body's own frame is the source."""
    return _matrix(pose.orientation, pose.position)


def poses_from_matrices(matrices: np.ndarray) -> list[Pose]:
    """Poses of rigid transforms [K, 4, 4]; all at once, since one by one they are slow."""
    return [
        Pose(position=position, orientation=orientation)
        for position, orientation in zip(points_from_array(matrices[:, :3, 3]), _quaternions(matrices), strict=True)
    ]


def pose_from_matrix(matrix: np.ndarray) -> Pose:
    """Pose of the rigid transform [4, 4]."""
    return poses_from_matrices(matrix[None])[0]


def transform_from_matrix(matrix: np.ndarray) -> Transform:
    """Transform message of the rigid transform [4, 4]."""
    return Transform(translation=vector_from_array(matrix[:3, 3]), rotation=_quaternions(matrix[None])[0])


def point_from_array(position: np.ndarray) -> Point:
    """Point message of a position [3]."""
    return points_from_array(position[None])[0]


def points_from_array(positions: np.ndarray) -> list[Point]:
    """Point messages of positions [N, 3]; all at once, since one by one they are slow."""
    return [Point(x=x, y=y, z=z) for x, y, z in np.asarray(positions, dtype=np.float64).tolist()]


def vector_from_array(vector: np.ndarray) -> Vector3:
    """Vector message of a vector [3]."""
    x, y, z = np.asarray(vector, dtype=np.float64).tolist()
    return Vector3(x=x, y=y, z=z)


def transform_points(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Points [N, 3] taken from the source to the target frame of the matrix [4, 4], in the points' own type."""
    return (points @ matrix[:3, :3].T + matrix[:3, 3]).astype(points.dtype)


def _quaternions(matrices: np.ndarray) -> list[Quaternion]:
    rotations = torch.from_numpy(np.asarray(matrices[:, :3, :3], dtype=np.float64))
    return [Quaternion(x=x, y=y, z=z, w=w) for x, y, z, w in matrix_to_quaternion(rotations).tolist()]


def _matrix(rotation: Quaternion, translation: Point | Vector3) -> np.ndarray:
    quaternion = torch.tensor([rotation.x, rotation.y, rotation.z, rotation.w], dtype=torch.float64)
    length = float(quaternion.norm())
    if not abs(length - 1.0) < 1e-2:
        raise NoTransformError(
            f"A rotation has the quaternion {quaternion.tolist()} of length {length:.3g}; expected length 1. "
            "Correct the publisher of the transform."
        )
    matrix = np.eye(4)
    matrix[:3, :3] = quaternion_to_matrix(quaternion / length).numpy()
    matrix[:3, 3] = (translation.x, translation.y, translation.z)
    return matrix
