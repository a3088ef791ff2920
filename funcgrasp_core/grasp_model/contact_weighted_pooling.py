"""From per-point features to one condition vector, guided by the predicted contact.

The contact probabilities are detached: the flow's loss must not teach the contact head.
"""

from typing import Protocol

import torch
from torch import Tensor, nn

from funcgrasp_core.contracts import PART_NAMES
from funcgrasp_core.grasp_model.layers import linear_stack

_EPSILON = 1e-6


def part_probabilities(logits: Tensor) -> Tensor:
    """[..., 7] logits -> [..., 6] independent probabilities of the hand parts."""
    return logits[..., 1:].sigmoid()


class Pooling(Protocol):
    """From points to one condition; an `nn.Module` too."""

    def __call__(self, features: Tensor, logits: Tensor) -> Tensor:
        """[B, N, C] features and [B, N, 7] contact logits -> [B, C]."""
        ...


class ContactWeightedPooling(nn.Module):
    """Mean of the features, each point weighted by its most probable part."""

    def forward(self, features: Tensor, logits: Tensor) -> Tensor:
        """[B, N, C] features and [B, N, 7] logits -> [B, C]."""
        weights = part_probabilities(logits).detach().amax(dim=-1)
        weights = weights / (weights.sum(dim=-1, keepdim=True) + _EPSILON)
        return torch.einsum("bn,bnc->bc", weights, features)


class PalmFramePooling(nn.Module):
    """What each hand part touches and what lies around the palm, seen from the palm.

    Two summaries are joined: for every hand part the contact-weighted mean of features and positions in the palm
    frame, with the share of points that it touches; and the maximum over an encoding of all points near the palm,
    or what attention finds among them.

    Args:
        input_size: C, of a point's feature.
        width: of the encoding of the points near the palm.
        radius_m: points farther from the palm than this are left out of it.
        output_size: of the condition vector.
        attention: a `ContactAttention` from width to width that takes the place of the maximum.
    """

    feature_size = 32
    touch_scale = 256.0

    def __init__(
        self, input_size: int, width: int, radius_m: float, output_size: int, attention: nn.Module | None = None
    ) -> None:
        super().__init__()
        self.radius_m = radius_m
        self.attention = attention
        self.reduce = nn.Linear(input_size, self.feature_size)
        point_size = 3 + self.feature_size + len(PART_NAMES)
        self.local = linear_stack((point_size, width // 2, width), layer_norm=True)
        pooled_size = len(PART_NAMES) * (self.feature_size + 4) + width
        self.project = nn.Linear(pooled_size, output_size)

    def forward(self, features: Tensor, logits: Tensor, points_in_palm: Tensor) -> Tensor:
        """Pool one object under several palm poses.

        Args:
            features: [B, N, C].
            logits: [B, K, N, 7].
            points_in_palm: [B, K, N, 3] metres.

        Returns:
            [B, K, output_size].
        """
        probabilities = part_probabilities(logits).detach()
        num_palms = probabilities.shape[1]
        reduced = self.reduce(features)
        positions = 10.0 * points_in_palm
        total = probabilities.sum(dim=2)
        weights = probabilities / (total[:, :, None] + _EPSILON)
        # Training pools fewer points than planning; the touched share of the object does not depend on their number.
        touched = torch.log1p(self.touch_scale * total / probabilities.shape[2])
        part_features = torch.einsum("bknp,bnc->bkpc", weights, reduced)
        part_positions = torch.einsum("bknp,bknc->bkpc", weights, positions)
        by_part = torch.cat([part_features, part_positions, touched[..., None]], dim=-1)

        expanded = reduced[:, None].expand(-1, num_palms, -1, -1)
        encoded = self.local(torch.cat([positions, expanded, probabilities], dim=-1))
        is_near = points_in_palm.norm(dim=-1) < self.radius_m
        if self.attention is None:
            nearby = encoded.masked_fill(~is_near[..., None], 0.0).amax(dim=2)
        else:
            nearby = self.attention(encoded, probabilities.amax(dim=-1), is_near)
        return self.project(torch.cat([by_part.flatten(-2), nearby], dim=-1))
