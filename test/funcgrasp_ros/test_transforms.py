import numpy as np
import pytest
import torch
from geometry_msgs.msg import Quaternion, Transform, Vector3
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from funcgrasp_core.errors import NoTransformError
from funcgrasp_core.geometry.rotations import matrix_to_quaternion
from funcgrasp_ros.conversions.transforms import (
    matrix_from_pose,
    matrix_from_transform,
    pose_from_matrix,
    poses_from_matrices,
    transform_from_matrix,
    transform_points,
)


def random_matrix(seed: int) -> np.ndarray:
    generator = np.random.default_rng(seed)
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.random(random_state=seed).as_matrix()
    matrix[:3, 3] = generator.normal(size=3)
    return matrix


@given(st.integers(0, 10_000))
def test_rigid_transforms_survive_the_way_there_and_back(seed):
    matrix = random_matrix(seed)
    np.testing.assert_allclose(matrix_from_pose(pose_from_matrix(matrix)), matrix, atol=1e-9)
    np.testing.assert_allclose(matrix_from_transform(transform_from_matrix(matrix)), matrix, atol=1e-9)


def test_quaternions_of_many_poses_are_those_of_the_core_one_by_one():
    turns = [np.eye(3), *(Rotation.from_rotvec(angle * axis).as_matrix() for axis in np.eye(3) for angle in (3.14, -2))]
    matrices = np.array([random_matrix(seed) for seed in range(40)])
    matrices[: len(turns), :3, :3] = turns
    expected = matrix_to_quaternion(torch.from_numpy(matrices[:, :3, :3])).numpy()
    for pose, matrix, quaternion in zip(poses_from_matrices(matrices), matrices, expected, strict=True):
        turn = pose.orientation
        np.testing.assert_allclose([turn.x, turn.y, turn.z, turn.w], quaternion, atol=1e-12)
        np.testing.assert_array_equal([pose.position.x, pose.position.y, pose.position.z], matrix[:3, 3])


@pytest.mark.parametrize("axis", range(3))
def test_half_a_turn_has_a_quaternion_of_length_one(axis):
    matrix = np.eye(4)
    matrix[:3, :3] = 2 * np.diag(np.eye(3)[axis]) - np.eye(3)
    np.testing.assert_allclose(matrix_from_pose(pose_from_matrix(matrix)), matrix, atol=1e-12)


def test_a_quarter_turn_about_z_takes_x_to_y():
    half = np.sqrt(0.5)
    transform = Transform(translation=Vector3(x=1.0), rotation=Quaternion(z=half, w=half))
    points = np.array([[1.0, 0.0, 0.0]], dtype=np.float32)
    moved = transform_points(matrix_from_transform(transform), points)
    assert moved.dtype == np.float32
    np.testing.assert_allclose(moved, [[1.0, 1.0, 0.0]], atol=1e-6)


@pytest.mark.parametrize("rotation", [Quaternion(x=0.0, y=0.0, z=0.0, w=0.0), Quaternion(w=2.0), Quaternion(w=np.nan)])
def test_a_quaternion_that_is_no_rotation_is_refused(rotation):
    with pytest.raises(NoTransformError, match="expected length 1"):
        matrix_from_transform(Transform(rotation=rotation))
