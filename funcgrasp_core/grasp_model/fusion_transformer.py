"""Fusion of geometry and meaning: the semantic vector is given to every point, then points attend to each other."""

import torch
from torch import Tensor, nn

from funcgrasp_core.grasp_model.config import FusionConfig


class FusionTransformer(nn.Module):
    """Broadcast, concatenate, pre-norm transformer; no bottleneck: d_model = C_geo + C_sem."""

    def __init__(self, config: FusionConfig, width: int) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(
            width,
            config.heads,
            config.feedforward,
            dropout=config.dropout,
            activation=config.activation,
            batch_first=True,
            norm_first=True,
        )
        self.transformer = nn.TransformerEncoder(layer, config.layers, enable_nested_tensor=False)

    def forward(self, geometric: Tensor, semantic: Tensor) -> Tensor:
        """[B, P, C_geo] and [B, C_sem] -> [B, P, C_geo + C_sem]."""
        broadcast = semantic[:, None].expand(-1, geometric.shape[1], -1)
        return self.transformer(torch.cat([geometric, broadcast], dim=-1))
