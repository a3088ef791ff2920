"""Spatial consistency: contact probabilities should vary over the surface only where their targets do."""

from dataclasses import dataclass

import torch
from torch import Tensor

from funcgrasp_core.geometry.point_sampling import k_nearest
from funcgrasp_core.grasp_model.contact_weighted_pooling import part_probabilities


@dataclass(frozen=True)
class SpatialConsistencyLoss:
    """loss = sum(w_ij (p_i - p_j)^2) / sum(w_ij) over edges ij and parts, w_ij = exp(-|y_i - y_j| / agreement).

    An edge across a true border of contact has little weight, so that the border is not blurred.

    Attributes:
        num_neighbours: k, edges from each point.
        agreement: difference of targets at which a weight is 1/e.
    """

    num_neighbours: int = 8
    agreement: float = 0.1

    def neighbours(self, points: Tensor) -> Tensor:
        """The k nearest others of each point: [B, N, 3] -> [B, N, k] long."""
        return k_nearest(points, points, self.num_neighbours + 1)[0][..., 1:]

    def losses(self, logits: Tensor, neighbours: Tensor) -> Tensor:
        """Squared difference of probabilities: logits [B, G, N, 7], neighbours [B, N, k] -> [B, G, N, k, 6]."""
        return _differences(part_probabilities(logits), neighbours).square()

    def weights(self, soft_targets: Tensor, neighbours: Tensor) -> Tensor:
        """Weight of each edge and part: [B, G, N, 6], [B, N, k] -> [B, G, N, k, 6]."""
        return (-_differences(soft_targets, neighbours).abs() / self.agreement).exp()


def _differences(values: Tensor, neighbours: Tensor) -> Tensor:
    """[B, G, N, P] at both ends of the edges [B, N, k] -> [B, G, N, k, P]."""
    observation = torch.arange(len(values), device=values.device)[:, None, None]
    return values[:, :, :, None] - values.transpose(1, 2)[observation, neighbours].permute(0, 3, 1, 2, 4)
