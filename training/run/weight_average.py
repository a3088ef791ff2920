"""Exponential moving average of a model's weights."""

import copy
from typing import Generic, TypeVar

import torch
from torch import nn

Model = TypeVar("Model", bound=nn.Module)


class WeightAverage(Generic[Model]):
    """Follows a model; `model` holds the averaged copy.

    Args:
        model: to follow.
        decay: share that the average keeps at each step; it is lower in the first steps.
    """

    def __init__(self, model: Model, decay: float) -> None:
        self.model = copy.deepcopy(model).eval()
        self.model.requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, model: Model, step: int) -> None:
        """Take in the model's weights after step number `step` (from 1)."""
        decay = min(self.decay, step / (step + 10))
        for average, current in zip(self.model.parameters(), model.parameters(), strict=True):
            average.lerp_(current, 1 - decay)
        for average, current in zip(self.model.buffers(), model.buffers(), strict=True):
            average.copy_(current)
