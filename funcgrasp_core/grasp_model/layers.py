"""What several parts of the grasp model are made of: stacks of linear layers, time embedding, precision."""

import itertools
from collections.abc import Sequence

import torch
from torch import Tensor, nn


def linear_stack(widths: Sequence[int], layer_norm: bool = False) -> nn.Sequential:
    """Linear layers from `widths[0]` to `widths[-1]`, each followed by an activation.

    Args:
        widths: input width, then the width of every layer.
        layer_norm: LayerNorm and GELU after each layer instead of ReLU alone.
    """
    layers: list[nn.Module] = []
    for width_in, width_out in itertools.pairwise(widths):
        layers.append(nn.Linear(width_in, width_out))
        layers.extend([nn.LayerNorm(width_out), nn.GELU()] if layer_norm else [nn.ReLU()])
    return nn.Sequential(*layers)


class ResidualBlock(nn.Module):
    """x + Linear(GELU(Linear(LayerNorm(x)))), all of one width."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.transform = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, width), nn.GELU(), nn.Linear(width, width))

    def forward(self, features: Tensor) -> Tensor:
        """[..., width] -> [..., width]."""
        return features + self.transform(features)


def sinusoidal_embedding(time: Tensor, size: int, max_period: float = 10_000.0) -> Tensor:
    """Embed times in [0, 1].

    Args:
        time: [...].
        size: of the embedding, even.
        max_period: of the slowest wave, in units of 1/1000 of the unit interval.

    Returns:
        [..., size], cosines then sines.
    """
    half = size // 2
    exponents = torch.arange(half, device=time.device, dtype=time.dtype) / half
    angles = 1000.0 * time[..., None] * max_period**-exponents
    return torch.cat([angles.cos(), angles.sin()], dim=-1)


def full_precision(like: Tensor) -> torch.autocast:
    """A context in which geometry is computed in its own precision, whatever the layers around it use."""
    return torch.autocast(like.device.type, enabled=False)
