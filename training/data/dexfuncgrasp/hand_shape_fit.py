"""The shape of a human hand whose bones come nearest to the Shadow Hand's."""

import torch
from torch import Tensor

from funcgrasp_core.hand.mano_layer import ManoLayer
from training.data.dexfuncgrasp.graspit_world import NUM_DOFS
from training.data.dexfuncgrasp.shadow_hand import shadow_forward_kinematics

MAX_SHAPE = 2.0
"""Standard deviations of the population: larger hands are no longer credible."""

_RIDGE_M = 0.004
"""A deviation of one costs as much as this error of one bone."""

_BONES = tuple((0 if joint % 4 == 1 else joint - 1, joint) for joint in range(1, 21))
"""Pairs of the 21 joints: wrist to finger bases, then along each finger."""


def shape_like_shadow_hand(layer: ManoLayer) -> Tensor:
    """[10] shape in +-MAX_SHAPE whose 20 bone lengths are nearest to Shadow's in the least-squares sense.

    Bone lengths are linearised about the mean hand, where shape moves joints linearly.
    """
    flat = shadow_forward_kinematics(torch.zeros(1, NUM_DOFS), torch.eye(3)[None], torch.zeros(1, 3))
    wanted = _bone_lengths(flat.joints)[0]

    def lengths(shape: Tensor) -> Tensor:
        return _bone_lengths(layer(torch.zeros(1, 48), shape[None]).joints)[0]

    mean_shape = torch.zeros(10)
    slopes = torch.autograd.functional.jacobian(lengths, mean_shape)
    assert isinstance(slopes, Tensor)  # one input, one output
    normal = slopes.T @ slopes + _RIDGE_M**2 * torch.eye(10)
    missing = (wanted - lengths(mean_shape)).detach()
    return torch.linalg.solve(normal, slopes.T @ missing).clamp(-MAX_SHAPE, MAX_SHAPE)


def _bone_lengths(joints: Tensor) -> Tensor:
    """[B, 20] of joints [B, 21, 3]."""
    starts, ends = (list(side) for side in zip(*_BONES, strict=True))
    return torch.linalg.vector_norm(joints[:, ends] - joints[:, starts], dim=-1)
