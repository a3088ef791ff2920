"""Soft-target contact loss: binary cross-entropy for each part, points weighted by how much they are touched.

Its focal form is the quality focal loss of Li et al., "Generalized Focal Loss", NeurIPS 2020: the usual factor
(1 - p_t)^gamma is for hard labels, |y - p|^gamma is its counterpart for soft ones.
"""

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F


@dataclass(frozen=True)
class ContactLoss:
    """L_i = mean_j |y_ij - p_ij|^gamma BCE(z_ij, y_ij); w_i = (1 - w_0) * strength_i + w_0; loss = sum(w L) / sum(w).

    Attributes:
        no_contact_weight: w_0, weight of a point that nothing touches.
        clamp_strength: limit the strength, the sum of a point's targets, to 1. Unclamped, a point between
            fingers can weigh up to 5.5 times as much as one under a single finger.
        focal_gamma: gamma; 0 gives plain cross-entropy.
    """

    no_contact_weight: float = 0.1
    clamp_strength: bool = True
    focal_gamma: float = 0.0

    def losses(self, logits: Tensor, soft_targets: Tensor) -> Tensor:
        """Loss of each point.

        Args:
            logits: [..., N, 7]; index 0 is "no contact" and takes no part.
            soft_targets: [..., N, 6] independent probabilities.

        Returns:
            [..., N].
        """
        parts = logits[..., 1:]
        losses = F.binary_cross_entropy_with_logits(parts, soft_targets, reduction="none")
        if self.focal_gamma > 0:
            losses = losses * (soft_targets - parts.sigmoid()).abs() ** self.focal_gamma
        return losses.mean(dim=-1)

    def weights(self, soft_targets: Tensor) -> Tensor:
        """Weight of each point: [..., N, 6] -> [..., N]."""
        strength = soft_targets.sum(dim=-1)
        if self.clamp_strength:
            strength = strength.clamp(max=1.0)
        return strength * (1.0 - self.no_contact_weight) + self.no_contact_weight
