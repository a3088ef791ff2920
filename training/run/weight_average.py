"""Exponential moving average of a model's trained weights."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from funcgrasp_core.errors import ConfigurationError


class WeightAverage:
    """Follows the trainable parameters of a model, whole or sharded; what is frozen needs no average.

    Args:
        model: to follow.
        decay: share that the average keeps at each step; it is lower in the first steps.

    Raises:
        ConfigurationError: weights of less than 32 bits are trained, whose average would hardly move.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        self._followed = {name: p for name, p in model.named_parameters() if p.requires_grad}
        if any(p.dtype.itemsize < 4 for p in self._followed.values()):
            raise ConfigurationError("trained weights of 16 bits cannot be averaged: set ema_decay to 0, or float32")
        self.weights: dict[str, Tensor] = {name: p.detach().clone() for name, p in self._followed.items()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the model's weights after step number `step` (from 1)."""
        decay = min(self.decay, step / (step + 10))
        for name, parameter in self._followed.items():
            self.weights[name].lerp_(parameter, 1 - decay)

    def take(self) -> None:
        """Let the average be what the model's weights are now."""
        for name, parameter in self._followed.items():
            self.weights[name].copy_(parameter.detach())

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """The model has the averaged weights inside this context, and afterwards its own again, to the bit."""
        own = {name: parameter.detach().clone() for name, parameter in self._followed.items()}
        self._put(self.weights)
        try:
            yield
        finally:
            self._put(own)

    @torch.no_grad()
    def _put(self, weights: dict[str, Tensor]) -> None:
        for name, parameter in self._followed.items():
            parameter.copy_(weights[name])
