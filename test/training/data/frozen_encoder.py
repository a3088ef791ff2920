"""A small semantic encoder with a frozen view side that gives the same bits whatever pictures are beside one."""

import torch
from torch import Tensor, nn

VIEW_SIZE = 8


class FrozenEncoder(nn.Module):
    """Tokens of patches through a frozen layer, one picture at a time; a trained head reads them with the text."""

    view_size = VIEW_SIZE
    views_are_frozen = True

    def __init__(self, dtype: torch.dtype = torch.float32, seed: int = 0, depends_on_slot: bool = False):
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.seed, self.depends_on_slot = seed, depends_on_slot
        self.num_encoded = 0
        self.weight = (torch.randn(3 * 16, 7, generator=generator)).to(dtype)
        self.head = nn.Linear(7, 32)

    @property
    def views_digest(self) -> str:
        return f"{self.seed}/{self.weight.dtype}"

    def encode_views(self, images: Tensor) -> Tensor:
        batch, slots = images.shape[:2]
        self.num_encoded += batch * slots
        patches = images.unfold(3, 4, 4).unfold(4, 4, 4).permute(0, 1, 3, 4, 2, 5, 6).reshape(batch * slots, 4, 48)
        features = torch.stack([torch.tanh(some.to(self.weight) @ self.weight) for some in patches])
        features = features.unflatten(0, (batch, slots))
        return features + torch.arange(slots).view(-1, 1, 1) if self.depends_on_slot else features

    def forward(self, view_features: Tensor, view_mask: Tensor, texts: list[str]) -> Tensor:
        mean = (view_features.float().mean(2) * view_mask[..., None]).sum(1)
        return self.head(mean) + torch.tensor([[len(text) / 100] for text in texts])
