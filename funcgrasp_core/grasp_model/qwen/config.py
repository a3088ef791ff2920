"""Every choice in the Qwen2.5-VL semantic encoder."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

from funcgrasp_core.errors import ConfigurationError
from funcgrasp_core.preprocessing.instruction import MAX_INSTRUCTION_CHARACTERS

Tuning = Literal["lora", "full", "frozen"]
BackboneType = Literal["bfloat16", "float32"]

VIEW_SIZE_STEP = 28
"""Pixels along the side of what becomes one token: 14 of a patch times 2 patches that are merged."""


@dataclass(frozen=True)
class QwenSemanticConfig:
    """Qwen2.5-VL reads the views and the instruction; the mean of its hidden states is projected.

    Which folder the weights come from is no part of this: a model is built with it.

    Raises:
        ConfigurationError: a value out of its range.
    """

    kind: Literal["qwen2.5-vl"] = "qwen2.5-vl"  # among the semantic encoders of GraspModelConfig
    tuning: Tuning = "lora"  # adapters in the language model, all weights, or the projection alone
    lora_rank: int = 32
    lora_alpha: float = 64.0  # adapters are scaled by lora_alpha / lora_rank
    lora_dropout: float = 0.0  # share of an adapter's inputs that is zeroed in training
    gradient_checkpointing: bool = True  # recompute tuned layers in the backward pass: less memory, more time
    # Of the pretrained weights; adapters and projection are always float32. Small steps of a full tuning are lost in
    # bfloat16: give float32 for that and train under autocast.
    dtype: BackboneType = "bfloat16"
    view_size: int = 224  # pixels, square, 64 tokens a view; a multiple of VIEW_SIZE_STEP
    name_views: bool = False  # write each view's slot before its picture
    max_instruction_characters: int = MAX_INSTRUCTION_CHARACTERS  # longer ones are refused
    max_instruction_tokens: int = 512  # and those that give more tokens

    def __post_init__(self) -> None:
        self._require_choice("kind", ("qwen2.5-vl",))
        self._require_choice("tuning", get_args(Tuning))
        self._require_choice("dtype", get_args(BackboneType))
        for name in ("lora_rank", "max_instruction_characters", "max_instruction_tokens"):
            if getattr(self, name) < 1:
                raise ConfigurationError(f"QwenSemanticConfig.{name} must be at least 1, got {getattr(self, name)}")
        if not (math.isfinite(self.lora_alpha) and self.lora_alpha > 0):
            raise ConfigurationError(f"QwenSemanticConfig.lora_alpha must be positive, got {self.lora_alpha}")
        if not 0 <= self.lora_dropout < 1:
            raise ConfigurationError(f"QwenSemanticConfig.lora_dropout must be in [0, 1), got {self.lora_dropout}")
        if self.view_size < VIEW_SIZE_STEP or self.view_size % VIEW_SIZE_STEP:
            raise ConfigurationError(
                f"QwenSemanticConfig.view_size must be a multiple of {VIEW_SIZE_STEP} pixels (14 of a patch times 2 "
                f"that are merged), got {self.view_size}"
            )

    def _require_choice(self, name: str, choices: tuple[str, ...]) -> None:
        if getattr(self, name) not in choices:
            raise ConfigurationError(f"QwenSemanticConfig.{name} must be one of {choices}, got {getattr(self, name)!r}")
