"""Views as the rows of patches that Qwen2.5-VL's vision tower takes."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from funcgrasp_core.errors import CheckpointFormatError, ConfigurationError
from funcgrasp_core.grasp_model.qwen.checkpoint_folder import PREPROCESSOR_FILE, QwenFolder

# What a preprocessor_config.json that leaves them out means.
_DEFAULT_MEAN = (0.48145466, 0.4578275, 0.40821073)
_DEFAULT_STD = (0.26862954, 0.26130258, 0.27577711)
_DEFAULT_MIN_PIXELS = 56 * 56
_DEFAULT_MAX_PIXELS = 28 * 28 * 1280
_RESCALE_FACTOR = 1 / 255


@dataclass(frozen=True)
class PatchLayout:
    """How a checkpoint cuts pictures.

    Attributes:
        patch_size: pixels along a patch's side.
        temporal_patch_size: frames in a patch; a still picture is repeated.
        merge_size: patches along the side of what becomes one token.
        mean: [3] of the channels, for values in [0, 1].
        std: [3].
        min_pixels: fewer and the official preprocessor enlarges the picture.
        max_pixels: more and it shrinks it.
    """

    patch_size: int
    temporal_patch_size: int
    merge_size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    min_pixels: int
    max_pixels: int

    @classmethod
    def of_folder(cls, folder: QwenFolder) -> "PatchLayout":
        """What a folder's preprocessor_config.json says.

        Raises:
            CheckpointFormatError: it asks for something else than rescaling, normalising and cutting, or contradicts
                the model's configuration.
        """
        settings, vision = folder.preprocessor, folder.config.get("vision_config", {})
        size = settings.get("size") or {}
        layout = cls(
            patch_size=settings.get("patch_size", 14),
            temporal_patch_size=settings.get("temporal_patch_size", 2),
            merge_size=settings.get("merge_size", 2),
            mean=_three(settings, "image_mean", _DEFAULT_MEAN),
            std=_three(settings, "image_std", _DEFAULT_STD),
            min_pixels=settings.get("min_pixels", size.get("shortest_edge", _DEFAULT_MIN_PIXELS)),
            max_pixels=settings.get("max_pixels", size.get("longest_edge", _DEFAULT_MAX_PIXELS)),
        )
        for name, usual in (("do_rescale", True), ("do_normalize", True), ("rescale_factor", _RESCALE_FACTOR)):
            if abs(float(settings.get(name, usual)) - float(usual)) > 1e-9:
                raise CheckpointFormatError(
                    f"'{folder.path / PREPROCESSOR_FILE}' sets {name} to {settings[name]!r}; only {usual!r} is read"
                )
        pairs = (("patch_size", "patch_size"), ("temporal_patch_size", "temporal_patch_size"))
        for name, in_model in (*pairs, ("merge_size", "spatial_merge_size")):
            if vision.get(in_model, getattr(layout, name)) != getattr(layout, name):
                raise CheckpointFormatError(
                    f"'{folder.path}': {PREPROCESSOR_FILE} has {name} {getattr(layout, name)}, the vision tower "
                    f"{vision[in_model]}; the files are of different checkpoints"
                )
        return layout


class ViewPatches(nn.Module):
    """Normalises square views and cuts them into patches, with no image library.

    Args:
        layout: of the checkpoint.
        view_size: S, pixels.

    Raises:
        ConfigurationError: the checkpoint cannot take views of that size as they are.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, layout: PatchLayout, view_size: int) -> None:
        super().__init__()
        step = layout.patch_size * layout.merge_size
        if view_size % step:
            raise ConfigurationError(
                f"view_size {view_size} is no multiple of {step}, the pixels along a token's side in this checkpoint"
            )
        if not layout.min_pixels <= view_size**2 <= layout.max_pixels:
            raise ConfigurationError(
                f"view_size {view_size} gives {view_size**2} pixels, this checkpoint takes {layout.min_pixels} to "
                f"{layout.max_pixels}"
            )
        self.layout = layout
        self.grid_size = view_size // layout.patch_size
        self.register_buffer("mean", torch.tensor(layout.mean)[:, None, None], persistent=False)
        self.register_buffer("std", torch.tensor(layout.std)[:, None, None], persistent=False)

    @property
    def tokens_per_view(self) -> int:
        """T, tokens that a view becomes."""
        return (self.grid_size // self.layout.merge_size) ** 2

    def grid(self, num_views: int) -> Tensor:
        """[M, 3] int64 on the CPU: frames, rows and columns of patches of each of M views."""
        return torch.tensor([[1, self.grid_size, self.grid_size]]).expand(num_views, -1)

    def forward(self, views: Tensor) -> Tensor:
        """[M, 3, S, S] in [0, 1] -> [M * G * G, 3 * frames * P * P], P pixels a patch, G patches a side.

        Patches that are merged to one token lie behind one another; within a patch the order is channel, frame, row,
        column.
        """
        patch, merge, frames = self.layout.patch_size, self.layout.merge_size, self.layout.temporal_patch_size
        tokens = self.grid_size // merge
        views = (views.float() - self.mean) / self.std
        cut = views.view(len(views), 3, tokens, merge, patch, tokens, merge, patch)
        ordered = cut.permute(0, 2, 5, 3, 6, 1, 4, 7)[:, :, :, :, :, :, None]
        repeated = ordered.expand(-1, -1, -1, -1, -1, -1, frames, -1, -1)
        return repeated.reshape(len(views) * self.grid_size**2, 3 * frames * patch * patch)


def _three(settings: dict[str, Any], name: str, default: tuple[float, ...]) -> tuple[float, ...]:
    values = settings.get(name, default)
    if not (isinstance(values, (list, tuple)) and len(values) == 3):
        raise CheckpointFormatError(f"{PREPROCESSOR_FILE}: {name} must be three numbers, got {values!r}")
    return tuple(float(value) for value in values)
