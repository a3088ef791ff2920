"""Rectified-flow loss: squared error between predicted and true velocity."""

import torch
from torch import Tensor


def flow_matching_loss(velocity: Tensor, velocity_target: Tensor) -> Tensor:
    """Squared error of each velocity: [..., D], [..., D] -> [...], the mean over D."""
    return torch.square(velocity - velocity_target).mean(dim=-1)
