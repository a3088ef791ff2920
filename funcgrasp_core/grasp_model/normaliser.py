"""Zero mean and unit deviation for what a flow generates, with the statistics kept beside the weights."""

import torch
from torch import Tensor, nn

_SMALLEST_DEVIATION = 1e-3


class Normaliser(nn.Module):
    """Identity until `fit` is called."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, size: int) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(size))
        self.register_buffer("deviation", torch.ones(size))

    def fit(self, values: Tensor, smallest_deviation: float = _SMALLEST_DEVIATION) -> None:
        """Take the statistics of [M, D] values; deviations below the smallest are raised to it."""
        self.mean.copy_(values.mean(dim=0))
        self.deviation.copy_(values.std(dim=0).clamp(min=smallest_deviation))

    def normalise(self, values: Tensor) -> Tensor:
        """[..., D] -> [..., D]."""
        return (values - self.mean) / self.deviation

    def restore(self, values: Tensor) -> Tensor:
        """Inverse of `normalise`."""
        return values * self.deviation + self.mean
