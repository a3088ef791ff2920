import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from funcgrasp_core.geometry.rotations import (
    axis_angle_to_matrix,
    matrix_to_axis_angle,
    matrix_to_quaternion,
    matrix_to_rotation_6d,
    quaternion_to_matrix,
    rotation_6d_to_matrix,
    rotation_about_z,
)

ANGLES_RAD = [0.0, 1e-12, 1e-8, 1e-5, 1e-3, 0.5, math.pi / 2, 3.0, math.pi - 1e-3, math.pi - 1e-6, math.pi]


def axis_angles_of_length(angle_rad: float) -> torch.Tensor:
    axes = torch.randn(50, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    axes = torch.cat([axes, torch.eye(3, dtype=torch.float64), -torch.eye(3, dtype=torch.float64)])
    return axes / axes.norm(dim=1, keepdim=True) * angle_rad


@pytest.mark.parametrize("angle_rad", ANGLES_RAD)
def test_axis_angle_matches_scipy_and_comes_back(angle_rad):
    axis_angle = axis_angles_of_length(angle_rad)
    matrices = axis_angle_to_matrix(axis_angle)
    np.testing.assert_allclose(matrices, Rotation.from_rotvec(axis_angle.numpy()).as_matrix(), atol=1e-12)
    recovered = matrix_to_axis_angle(matrices)
    # At pi both directions of the axis are the same rotation.
    np.testing.assert_allclose(axis_angle_to_matrix(recovered), matrices, atol=1e-10)
    if angle_rad < math.pi - 1e-4:
        np.testing.assert_allclose(recovered, axis_angle, atol=1e-10)


@pytest.mark.parametrize("angle_rad", [0.0, 1e-9, 1e-4, 1.0, 3.0])
def test_axis_angle_gradients_are_right(angle_rad):
    axis_angle = axis_angles_of_length(angle_rad)[:4].requires_grad_()
    assert torch.autograd.gradcheck(axis_angle_to_matrix, (axis_angle,))
    assert torch.autograd.gradcheck(lambda vector: matrix_to_axis_angle(axis_angle_to_matrix(vector)), (axis_angle,))


def test_float32_near_zero_has_finite_gradients():
    axis_angle = torch.zeros(2, 3, requires_grad=True)
    matrix_to_axis_angle(axis_angle_to_matrix(axis_angle)).sum().backward()
    assert axis_angle.grad is not None
    torch.testing.assert_close(axis_angle.grad, torch.ones(2, 3))


@settings(deadline=None)
@given(st.lists(st.floats(-3, 3), min_size=3, max_size=3))
def test_every_form_describes_the_same_rotation(vector):
    matrix = axis_angle_to_matrix(torch.tensor(vector, dtype=torch.float64))
    torch.testing.assert_close(rotation_6d_to_matrix(matrix_to_rotation_6d(matrix)), matrix)
    quaternion = matrix_to_quaternion(matrix)
    assert quaternion[3] >= 0
    torch.testing.assert_close(quaternion_to_matrix(quaternion), matrix)
    np.testing.assert_allclose(Rotation.from_quat(quaternion.numpy()).as_matrix(), matrix, atol=1e-10)


def test_rotation_6d_is_made_of_columns_and_orthonormalised():
    matrix = rotation_6d_to_matrix(torch.tensor([0.0, 2.0, 0.0, -3.0, 5.0, 0.0]))
    # First column y, second column -x, third their cross product z: a quarter turn about z.
    torch.testing.assert_close(matrix, torch.tensor([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]))


def test_rotation_about_z_turns_x_to_y():
    matrix = rotation_about_z(torch.tensor([math.pi / 2]))
    torch.testing.assert_close(matrix @ torch.tensor([1.0, 0.0, 0.0]), torch.tensor([[0.0, 1.0, 0.0]]))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_dtype_and_leading_dimensions_are_kept(dtype):
    axis_angle = torch.rand(2, 5, 3, dtype=dtype)
    matrices = axis_angle_to_matrix(axis_angle)
    assert matrices.shape == (2, 5, 3, 3)
    assert matrices.dtype == dtype
    assert matrix_to_quaternion(matrices).shape == (2, 5, 4)
    torch.testing.assert_close(matrix_to_axis_angle(matrices), axis_angle, atol=1e-5, rtol=1e-4)
