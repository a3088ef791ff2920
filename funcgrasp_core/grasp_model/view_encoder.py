"""The embedded view encoder: a small convolutional pyramid over each of the six views."""

import torch
from torch import Tensor, nn

from funcgrasp_core.contracts import VIEW_SLOTS
from funcgrasp_core.grasp_model.layers import full_precision


class ViewEncoder(nn.Module):
    """One vector a view; a missing view has a learned vector of its own.

    Args:
        widths: channels of the layers, each halves the picture.
        output_size: D, of a view's vector.
    """

    def __init__(self, widths: tuple[int, ...], output_size: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for channels_in, channels_out in zip((3, *widths[:-1]), widths, strict=True):
            layers += [
                nn.Conv2d(channels_in, channels_out, kernel_size=3, stride=2, padding=1),
                nn.GroupNorm(min(8, channels_out), channels_out),
                nn.GELU(),
            ]
        self.pyramid = nn.Sequential(*layers)
        self.project = nn.Linear(widths[-1], output_size)
        self.slot = nn.Parameter(0.02 * torch.randn(len(VIEW_SLOTS), output_size))
        self.missing = nn.Parameter(0.02 * torch.randn(len(VIEW_SLOTS), output_size))

    def forward(self, images: Tensor) -> Tensor:
        """[B, 6, 3, S, S] pictures in [0, 1], slots as in VIEW_SLOTS -> [B, 6, D], of each view by itself."""
        batch_size, num_views = images.shape[:2]
        # Small convolutions: nothing is gained in bfloat16, and its gradients take seconds on some CPUs.
        with full_precision(images):
            maps = self.pyramid(images.flatten(0, 1) - 0.5)
        return self.project(maps.mean(dim=(-2, -1))).view(batch_size, num_views, -1) + self.slot

    def fill_missing(self, features: Tensor, mask: Tensor) -> Tensor:
        """Features [B, 6, D] with the learned vector where the mask [B, 6] says that there is no view."""
        return torch.where(mask[..., None], features, self.missing)
