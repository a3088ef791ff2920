"""Per-point contact logits for the seven classes: no contact (never supervised), then the six hand parts."""

import torch
from torch import Tensor, nn

from funcgrasp_core.contracts import CONTACT_CLASS_NAMES


class ContactHead(nn.Module):
    """Linear, ReLU, Linear on each point."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(input_size, hidden_size), nn.ReLU(), nn.Linear(hidden_size, len(CONTACT_CLASS_NAMES))
        )

    def forward(self, features: Tensor) -> Tensor:
        """[..., C] -> [..., 7] logits."""
        return self.layers(features)


class PalmContactHead(nn.Module):
    """Contact logits of one object under several palm poses.

    Each point's feature is projected once; where the point lies in each palm's frame is added to it. Frequencies
    of the positional encoding go down to wavelengths of two centimetres, the scale of a finger's width.
    """

    num_frequencies = 4
    base_wavelength_m = 0.16

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.from_features = nn.Linear(input_size, hidden_size)
        self.from_position = nn.Linear(3 + 6 * self.num_frequencies + 1, hidden_size)
        self.layers = nn.Sequential(
            nn.GELU(),
            nn.Linear(hidden_size, hidden_size),
            nn.GELU(),
            nn.Linear(hidden_size, len(CONTACT_CLASS_NAMES)),
        )

    def forward(self, features: Tensor, points_in_palm: Tensor) -> Tensor:
        """[B, N, C] features and [B, K, N, 3] metres in each palm's frame -> [B, K, N, 7] logits."""
        hidden = self.from_features(features)[:, None] + self.from_position(self._encode(points_in_palm))
        return self.layers(hidden)

    def _encode(self, points: Tensor) -> Tensor:
        octaves = 2.0 ** torch.arange(self.num_frequencies, device=points.device, dtype=points.dtype)
        angles = (points[..., None] * (2 * torch.pi * octaves / self.base_wavelength_m)).flatten(-2)
        distance = points.norm(dim=-1, keepdim=True)
        return torch.cat([10.0 * points, 10.0 * distance, angles.sin(), angles.cos()], dim=-1)
