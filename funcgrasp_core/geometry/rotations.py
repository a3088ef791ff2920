"""Rotations in the forms that hands, models and messages need, and the ways between them.

Every function takes any leading dimensions, dtype and device, and is differentiable.
"""

import torch
from torch import Tensor


def axis_angle_to_matrix(axis_angle: Tensor) -> Tensor:
    """Rotation matrices of axis-angle vectors (Rodrigues' formula), exact and differentiable at zero.

    Args:
        axis_angle: [..., 3] unit axis times angle in radians.

    Returns:
        [..., 3, 3] rotation matrices.
    """
    squared_angle = axis_angle.square().sum(-1)[..., None, None]
    small = squared_angle < torch.finfo(axis_angle.dtype).eps
    safe_squared_angle = torch.where(small, torch.ones_like(squared_angle), squared_angle)
    angle = safe_squared_angle.sqrt()
    sine_factor = torch.where(small, 1 - squared_angle / 6, angle.sin() / angle)
    # sin^2 of the half angle keeps the digits that 1 - cos loses at small angles.
    cosine_factor = torch.where(small, 0.5 - squared_angle / 24, 2 * (angle / 2).sin().square() / safe_squared_angle)
    cross = cross_product_matrix(axis_angle)
    identity = torch.eye(3, dtype=axis_angle.dtype, device=axis_angle.device)
    return identity + sine_factor * cross + cosine_factor * (cross @ cross)


def cross_product_matrix(vectors: Tensor) -> Tensor:
    """The matrices [..., 3, 3] that multiply like `vectors` x (vectors: [..., 3])."""
    x, y, z = vectors.unbind(-1)
    zero = torch.zeros_like(x)
    return torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], dim=-1).unflatten(-1, (3, 3))


def matrix_to_axis_angle(matrices: Tensor) -> Tensor:
    """Axis-angle vectors [..., 3] of rotation matrices [..., 3, 3], with angles in [0, pi].

    Safe at zero and at pi; the derivative does not exist at pi, where the axis flips.
    """
    quaternions = matrix_to_quaternion(matrices)
    vector, scalar = quaternions[..., :3], quaternions[..., 3:]
    squared_norm = vector.square().sum(-1, keepdim=True)
    small = squared_norm < torch.finfo(matrices.dtype).eps
    norm = torch.where(small, torch.ones_like(squared_norm), squared_norm).sqrt()
    angle_over_sine = torch.where(small, 2.0 + squared_norm / 3, 2 * torch.atan2(norm, scalar) / norm)
    return vector * angle_over_sine


def rotation_6d_to_matrix(rotation_6d: Tensor) -> Tensor:
    """Rotation matrices from their first two columns, made orthonormal by Gram and Schmidt's rule.

    Zhou et al., "On the Continuity of Rotation Representations in Neural Networks", CVPR 2019.

    Args:
        rotation_6d: [..., 6], first column then second column; neither zero nor parallel.

    Returns:
        [..., 3, 3] rotation matrices.
    """
    first = torch.nn.functional.normalize(rotation_6d[..., :3], dim=-1)
    raw_second = rotation_6d[..., 3:]
    second = torch.nn.functional.normalize(raw_second - (first * raw_second).sum(-1, keepdim=True) * first, dim=-1)
    return torch.stack([first, second, torch.linalg.cross(first, second)], dim=-1)


def matrix_to_rotation_6d(matrices: Tensor) -> Tensor:
    """First and second column [..., 6] of rotation matrices [..., 3, 3]."""
    return torch.cat([matrices[..., :, 0], matrices[..., :, 1]], dim=-1)


def matrix_to_quaternion(matrices: Tensor) -> Tensor:
    """Unit quaternions [..., 4] as (x, y, z, w) with w >= 0, of rotation matrices [..., 3, 3].

    Of the four ways to read a quaternion off a matrix the one with the largest divisor is taken for each element.
    """
    m00, m01, m02, m10, m11, m12, m20, m21, m22 = matrices.flatten(-2).unbind(-1)
    # Row k is 4 q_k q for k = x, y, z, w.
    candidates = torch.stack(
        [
            torch.stack([1 + m00 - m11 - m22, m01 + m10, m02 + m20, m21 - m12], dim=-1),
            torch.stack([m01 + m10, 1 - m00 + m11 - m22, m12 + m21, m02 - m20], dim=-1),
            torch.stack([m02 + m20, m12 + m21, 1 - m00 - m11 + m22, m10 - m01], dim=-1),
            torch.stack([m21 - m12, m02 - m20, m10 - m01, 1 + m00 + m11 + m22], dim=-1),
        ],
        dim=-2,
    )
    best = torch.diagonal(candidates, dim1=-2, dim2=-1).argmax(-1)
    chosen = torch.gather(candidates, -2, best[..., None, None].expand(*best.shape, 1, 4)).squeeze(-2)
    quaternions = torch.nn.functional.normalize(chosen, dim=-1)
    return torch.where(quaternions[..., 3:] < 0, -quaternions, quaternions)


def quaternion_to_matrix(quaternions: Tensor) -> Tensor:
    """Rotation matrices [..., 3, 3] of quaternions [..., 4] (x, y, z, w), which need not be of unit length."""
    x, y, z, w = torch.nn.functional.normalize(quaternions, dim=-1).unbind(-1)
    rows = [
        1 - 2 * (y * y + z * z),
        2 * (x * y - z * w),
        2 * (x * z + y * w),
        2 * (x * y + z * w),
        1 - 2 * (x * x + z * z),
        2 * (y * z - x * w),
        2 * (x * z - y * w),
        2 * (y * z + x * w),
        1 - 2 * (x * x + y * y),
    ]
    return torch.stack(rows, dim=-1).unflatten(-1, (3, 3))


def rotation_about_z(angle_rad: Tensor) -> Tensor:
    """Rotation matrices [..., 3, 3] that turn by `angle_rad` [...] about +z."""
    cosine, sine = angle_rad.cos(), angle_rad.sin()
    zero, one = torch.zeros_like(cosine), torch.ones_like(cosine)
    return torch.stack([cosine, -sine, zero, sine, cosine, zero, zero, zero, one], dim=-1).unflatten(-1, (3, 3))
