"""What the views show and what the instruction asks for, as one vector.

Two steps, so that views can be encoded once and kept: `encode_views`, then `forward` with a text.
"""

from typing import Protocol

import torch
from torch import Tensor, nn

from funcgrasp_core.grasp_model.config import CompactSemanticConfig
from funcgrasp_core.grasp_model.text_encoder import TextEncoder
from funcgrasp_core.grasp_model.view_encoder import ViewEncoder


class SemanticEncoder(Protocol):
    """Any encoder of views and text; it must be an `nn.Module` too."""

    view_size: int
    """Pixels, width and height, of the views that it wants."""

    def encode_views(self, images: Tensor, mask: Tensor) -> Tensor:
        """[B, 6, 3, S, S] images in [0, 1] and [B, 6] mask -> [B, 6, ...] features that may be kept."""
        ...

    def __call__(self, view_features: Tensor, texts: list[str]) -> Tensor:
        """Features of `encode_views` and B instructions -> [B, C_sem]."""
        ...


class CompactSemanticEncoder(nn.Module):
    """The embedded encoder: the text attends to the views, both are trained from scratch."""

    def __init__(self, config: CompactSemanticConfig, output_size: int) -> None:
        super().__init__()
        self.view_size = config.view_size
        self.text_encoder = TextEncoder(
            config.num_buckets,
            config.max_words,
            config.width,
            config.text_layers,
            config.heads,
            config.word_dropout,
        )
        self.view_encoder = ViewEncoder(config.view_widths, config.width)
        self.view_attention = nn.MultiheadAttention(config.width, config.heads, batch_first=True)
        self.project = nn.Sequential(nn.LayerNorm(2 * config.width), nn.Linear(2 * config.width, output_size))

    def encode_views(self, images: Tensor, mask: Tensor) -> Tensor:
        """[B, 6, 3, S, S], [B, 6] -> [B, 6, D]."""
        return self.view_encoder(images, mask)

    def forward(self, view_features: Tensor, texts: list[str]) -> Tensor:
        """[B, 6, D] and B instructions -> [B, C_sem]."""
        text = self.text_encoder(texts)
        seen, _ = self.view_attention(text[:, None], view_features, view_features, need_weights=False)
        return self.project(torch.cat([text, seen[:, 0]], dim=-1))
