"""Qwen2.5-VL at the published 3B shape, or tiny, with random weights made where it shall run; nothing is downloaded.

The tokenizer and the chat layout are those of `training.make_tiny_qwen`: time and memory depend on the number of
tokens, and a picture of 224 x 224 pixels is 64 of them with either tokenizer.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch

from funcgrasp_core.grasp_model.qwen.checkpoint_folder import QwenFolder
from funcgrasp_core.grasp_model.qwen.config import QwenSemanticConfig
from funcgrasp_core.grasp_model.qwen.encoder import QwenSemanticEncoder
from funcgrasp_core.grasp_model.qwen.prompt import PromptTokeniser
from funcgrasp_core.grasp_model.qwen.view_patches import PatchLayout, ViewPatches
from training.make_tiny_qwen import ensure_tiny_qwen

Shape = Literal["3b", "tiny"]
SHAPES: tuple[Shape, ...] = ("3b", "tiny")

QWEN_3B: dict[str, Any] = {
    "model_type": "qwen2_5_vl",
    "attention_dropout": 0.0,
    "hidden_act": "silu",
    "hidden_size": 2048,
    "initializer_range": 0.02,
    "intermediate_size": 11008,
    "max_position_embeddings": 128000,
    "max_window_layers": 70,
    "num_attention_heads": 16,
    "num_hidden_layers": 36,
    "num_key_value_heads": 2,
    "rms_norm_eps": 1e-06,
    "rope_theta": 1000000.0,
    "rope_scaling": {"type": "mrope", "mrope_section": [16, 24, 24]},
    "sliding_window": 32768,
    "tie_word_embeddings": True,
    "use_cache": True,
    "use_sliding_window": False,
    "vocab_size": 151936,
    "vision_config": {
        "depth": 32,
        "hidden_act": "silu",
        "hidden_size": 1280,
        "intermediate_size": 3420,
        "num_heads": 16,
        "in_chans": 3,
        "out_hidden_size": 2048,
        "patch_size": 14,
        "spatial_merge_size": 2,
        "spatial_patch_size": 14,
        "window_size": 112,
        "fullatt_block_indexes": [7, 15, 23, 31],
        "tokens_per_second": 2,
        "temporal_patch_size": 2,
    },
}
"""config.json of Qwen/Qwen2.5-VL-3B-Instruct, without the numbers of its special tokens."""

_ADAPTER_DEVIATION = 0.02


@dataclass(frozen=True)
class RandomQwen:
    """A model of random weights in the two forms that are compared; all weights are shared.

    Attributes:
        encoder: the project's semantic encoder.
        generator: transformers' `Qwen2_5_VLForConditionalGeneration` around the encoder's model.
        folder: of the tokenizer, the chat template and the preprocessor's settings.
        config: the model's, as in config.json.
    """

    encoder: QwenSemanticEncoder
    generator: Any
    folder: QwenFolder
    config: dict[str, Any]


def make_random_qwen(
    shape: Shape,
    choices: QwenSemanticConfig,
    output_size: int,
    device: torch.device,
    tokenizer_folder: Path,
    seed: int = 0,
) -> RandomQwen:
    """Build the model on a device.

    Args:
        shape: sizes of the layers.
        choices: of the semantic encoder. Its adapters get random values on both sides: new ones have a side of zeros,
            whose other side has no gradient yet.
        output_size: C_sem.
        device: where the weights are drawn.
        tokenizer_folder: made there if there is nothing; the tokenizer, the chat layout and no weights are taken.
        seed: of all weights.
    """
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    folder = QwenFolder.open(ensure_tiny_qwen(tokenizer_folder))
    patches = ViewPatches(PatchLayout.of_folder(folder), choices.view_size)
    prompts = PromptTokeniser(folder, choices, patches.tokens_per_view)
    config = shape_config(shape, folder)
    torch.manual_seed(seed)
    with torch.device(device):
        generator = Qwen2_5_VLForConditionalGeneration._from_config(
            Qwen2_5_VLConfig.from_dict(config),
            dtype=getattr(torch, choices.dtype),
            attn_implementation="sdpa",
        )
        encoder = QwenSemanticEncoder(choices, generator.model.eval(), patches, prompts, output_size, f"random {shape}")
    for name, parameter in encoder.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=_ADAPTER_DEVIATION)
    return RandomQwen(encoder.to(device), generator, folder, config)


def shape_config(shape: Shape, folder: QwenFolder) -> dict[str, Any]:
    """config.json of a shape, with the numbers of the special tokens that the folder's tokenizer gives."""
    if shape == "tiny":
        return folder.config
    return QWEN_3B | {name: number for name, number in folder.config.items() if name.endswith("token_id")}
