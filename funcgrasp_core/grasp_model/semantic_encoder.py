"""What the views show and what the instruction asks for, as one vector.

Two steps, so that views can be encoded once and kept: `encode_views`, then `forward` with a text.
"""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from funcgrasp_core.grasp_model.config import CompactSemanticConfig
from funcgrasp_core.grasp_model.text_encoder import TextEncoder
from funcgrasp_core.grasp_model.view_encoder import ViewEncoder


@dataclass(frozen=True)
class ViewImages:
    """Pictures of B objects.

    Attributes:
        images: [B, 6, 3, S, S] in [0, 1], slots as in VIEW_SLOTS.
        mask: [B, 6] bool, true where there is a view.
    """

    images: Tensor
    mask: Tensor

    def to(self, device: torch.device) -> "ViewImages":
        """The same on a device."""
        return ViewImages(self.images.to(device), self.mask.to(device))


@dataclass(frozen=True)
class ViewFeatures:
    """Encoded views of B objects.

    Attributes:
        features: [B, 6, ...] of `SemanticEncoder.encode_views`.
        mask: [B, 6] bool, true where there is a view.
    """

    features: Tensor
    mask: Tensor

    def to(self, device: torch.device) -> "ViewFeatures":
        """The same on a device."""
        return ViewFeatures(self.features.to(device), self.mask.to(device))


Views = ViewImages | ViewFeatures


class SemanticEncoder(Protocol):
    """Any encoder of views and text; it must be an `nn.Module` too."""

    view_size: int
    """Pixels, width and height, of the views that it wants."""

    views_are_frozen: bool
    """True where training does not change what `encode_views` gives, so that it may be kept on disk."""

    def encode_views(self, images: Tensor) -> Tensor:
        """[B, 6, 3, S, S] images in [0, 1] -> [B, 6, ...] features, of each view by itself."""
        ...

    def __call__(self, view_features: Tensor, view_mask: Tensor, texts: list[str]) -> Tensor:
        """Features of `encode_views`, [B, 6] bool (true where there is a view) and B instructions -> [B, C_sem]."""
        ...


class CompactSemanticEncoder(nn.Module):
    """The embedded encoder: the text attends to the views, both are trained from scratch."""

    views_are_frozen = False

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

    def encode_views(self, images: Tensor) -> Tensor:
        """[B, 6, 3, S, S] -> [B, 6, D]."""
        return self.view_encoder(images)

    def forward(self, view_features: Tensor, view_mask: Tensor, texts: list[str]) -> Tensor:
        """[B, 6, D], [B, 6] and B instructions -> [B, C_sem]."""
        text = self.text_encoder(texts)
        views = self.view_encoder.fill_missing(view_features, view_mask)
        seen, _ = self.view_attention(text[:, None], views, views, need_weights=False)
        return self.project(torch.cat([text, seen[:, 0]], dim=-1))
