"""Pictures to encode."""

import torch
from torch import Tensor

VIEW_SIZE = 56
"""Smallest that Qwen2.5-VL's preprocessor leaves as it is: 4 tokens a view."""


def random_views(*shape: int, seed: int = 0, size: int = VIEW_SIZE) -> Tensor:
    """Views [*shape, 3, S, S] whose values are whole numbers of 255ths, as those of pictures."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (*shape, 3, size, size), generator=generator).float() / 255
