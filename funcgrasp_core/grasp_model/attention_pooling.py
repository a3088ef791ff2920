"""Pooling by attention: learned queries choose among the points, with the contact probabilities as their prior."""

import torch
from torch import Tensor, nn

from funcgrasp_core.grasp_model.contact_weighted_pooling import part_probabilities

_EPSILON = 1e-6
_HIDDEN = -1e4


class ContactAttention(nn.Module):
    """weight_qn = softmax over n of (q . x_n / sqrt(C) + log(prior_n)); every query has values of its own.

    With all queries zero it is the mean weighted by the prior. The number of points does not matter, only how they
    are spread.

    Args:
        input_size: C, a multiple of the number of queries.
        num_queries: Q, each reads C / Q numbers.
        output_size: of the result.
    """

    def __init__(self, input_size: int, num_queries: int, output_size: int) -> None:
        super().__init__()
        self.num_queries = num_queries
        self.queries = nn.Parameter(0.02 * torch.randn(num_queries, input_size))
        self.values = nn.Linear(input_size, input_size)
        self.project = nn.Linear(input_size, output_size)

    def forward(self, features: Tensor, prior: Tensor, mask: Tensor | None = None) -> Tensor:
        """Pool.

        Args:
            features: [..., N, C].
            prior: [..., N], not negative.
            mask: [..., N] bool, true for points that may be looked at; where there is none the values read are zero.

        Returns:
            [..., output_size].
        """
        scores = features @ (self.queries.T * features.shape[-1] ** -0.5) + (prior + _EPSILON).log()[..., None]
        if mask is not None:
            scores = scores.masked_fill(~mask[..., None], _HIDDEN)
        weights = scores.float().softmax(dim=-2)
        if mask is not None:
            weights = weights * mask[..., None]
        values = self.values(features).unflatten(-1, (self.num_queries, -1))
        return self.project(torch.einsum("...nq,...nqd->...qd", weights.to(values.dtype), values).flatten(-2))


class AttentionPooling(nn.Module):
    """`ContactWeightedPooling` with learned queries: the prior is each point's most probable part, detached."""

    def __init__(self, size: int, num_queries: int) -> None:
        super().__init__()
        self.attention = ContactAttention(size, num_queries, size)

    def forward(self, features: Tensor, logits: Tensor) -> Tensor:
        """[B, N, C] features and [B, N, 7] logits -> [B, C]."""
        return self.attention(features, part_probabilities(logits).detach().amax(dim=-1))
