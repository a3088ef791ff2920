"""A Qwen2.5-VL checkpoint of under 2 MB with random weights, in the layout of the published ones.

It runs the same code as the real model where that is not at hand: `python -m training.make_tiny_qwen --output DIR`.
Its byte-level tokenizer is learnt from our own instructions; its weights are random and mean nothing.
"""

import argparse
import json
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from torch import Tensor

from funcgrasp_core.errors import CheckpointMissingError, FuncGraspError, InvalidFileError
from funcgrasp_core.grasp_model.qwen.checkpoint_folder import QwenFolder
from training.tiny_qwen_tokenizer import ADDED_TOKENS, write_tokenizer

HIDDEN_SIZE = 64
NUM_LAYERS = 2
NUM_HEADS = 4
NUM_KEY_VALUE_HEADS = 2
MLP_SIZE = 128
VISION_SIZE = 32
VISION_LAYERS = 2
VISION_MLP_SIZE = 64
PATCH_SIZE = 14
TEMPORAL_PATCH_SIZE = 2
MERGE_SIZE = 2


# CLIP's, which Qwen's preprocessor uses.
IMAGE_MEAN = (0.48145466, 0.4578275, 0.40821073)
IMAGE_STD = (0.26862954, 0.26130258, 0.27577711)


def make_tiny_qwen(folder: Path, seed: int = 0) -> Path:
    """Write the checkpoint; the folder appears when it is complete.

    Args:
        folder: to make; its parents are made too.
        seed: of the weights; the same seed gives the same bytes.

    Returns:
        The folder.

    Raises:
        InvalidFileError: there is something at that place already.
    """
    folder = Path(folder)
    if folder.exists():
        raise InvalidFileError(f"'{folder}' exists already: remove it or give another place")
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        vocabulary_size = write_tokenizer(temporary)
        config = model_config(vocabulary_size)
        _write_json(temporary / "config.json", config)
        _write_json(temporary / "preprocessor_config.json", preprocessor_config())
        _write_json(temporary / "generation_config.json", _generation_config(config))
        save_file(random_weights(config, seed), temporary / "model.safetensors", {"format": "pt"})
        for file in temporary.iterdir():
            file.chmod(0o644)
            with file.open("rb") as stream:
                os.fsync(stream.fileno())
        temporary.chmod(0o755)
        temporary.replace(folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    return folder


def ensure_tiny_qwen(folder: Path) -> Path:
    """The tiny checkpoint at a place, made with seed 0 if there is nothing.

    Raises:
        InvalidFileError: something else is there.
    """
    folder = Path(folder)
    if not folder.exists():
        try:
            return make_tiny_qwen(folder)
        except (InvalidFileError, OSError):  # another process made it meanwhile
            if not folder.exists():
                raise
    try:
        found = QwenFolder.open(folder)
    except CheckpointMissingError as error:
        raise InvalidFileError(f"'{folder}' is no whole tiny checkpoint ({error}); remove it") from error
    if found.config.get("hidden_size") != HIDDEN_SIZE:
        raise InvalidFileError(f"'{folder}' is another Qwen2.5-VL checkpoint than the tiny one: give another place")
    return folder


def model_config(vocabulary_size: int) -> dict[str, Any]:
    """config.json as published checkpoints have it, with small numbers."""
    first_added = vocabulary_size - len(ADDED_TOKENS)
    ids = {token: first_added + index for index, token in enumerate(ADDED_TOKENS)}
    return {
        "architectures": ["Qwen2_5_VLForConditionalGeneration"],
        "model_type": "qwen2_5_vl",
        "attention_dropout": 0.0,
        "bos_token_id": ids["<|endoftext|>"],
        "eos_token_id": ids["<|im_end|>"],
        "vision_start_token_id": ids["<|vision_start|>"],
        "vision_end_token_id": ids["<|vision_end|>"],
        "vision_token_id": ids["<|vision_pad|>"],
        "image_token_id": ids["<|image_pad|>"],
        "video_token_id": ids["<|video_pad|>"],
        "hidden_act": "silu",
        "hidden_size": HIDDEN_SIZE,
        "initializer_range": 0.02,
        "intermediate_size": MLP_SIZE,
        "max_position_embeddings": 4096,
        "max_window_layers": NUM_LAYERS,
        "num_attention_heads": NUM_HEADS,
        "num_hidden_layers": NUM_LAYERS,
        "num_key_value_heads": NUM_KEY_VALUE_HEADS,
        "rms_norm_eps": 1e-06,
        "rope_theta": 1000000.0,
        # Sections for time, height and width; together half of a head.
        "rope_scaling": {"type": "mrope", "mrope_section": [2, 3, 3]},
        "sliding_window": 4096,
        "tie_word_embeddings": True,
        "torch_dtype": "float32",
        "use_cache": True,
        "use_sliding_window": False,
        "vocab_size": vocabulary_size,
        "vision_config": {
            "depth": VISION_LAYERS,
            "hidden_act": "silu",
            "hidden_size": VISION_SIZE,
            "intermediate_size": VISION_MLP_SIZE,
            "num_heads": NUM_HEADS,
            "in_chans": 3,
            "out_hidden_size": HIDDEN_SIZE,
            "patch_size": PATCH_SIZE,
            "spatial_merge_size": MERGE_SIZE,
            "spatial_patch_size": PATCH_SIZE,
            "window_size": 112,
            "fullatt_block_indexes": [VISION_LAYERS - 1],
            "tokens_per_second": 2,
            "temporal_patch_size": TEMPORAL_PATCH_SIZE,
        },
    }


def preprocessor_config() -> dict[str, Any]:
    """preprocessor_config.json of Qwen2.5-VL."""
    return {
        "min_pixels": 3136,
        "max_pixels": 12845056,
        "patch_size": PATCH_SIZE,
        "temporal_patch_size": TEMPORAL_PATCH_SIZE,
        "merge_size": MERGE_SIZE,
        "image_mean": list(IMAGE_MEAN),
        "image_std": list(IMAGE_STD),
        "image_processor_type": "Qwen2VLImageProcessor",
        "processor_class": "Qwen2_5_VLProcessor",
    }


def random_weights(config: dict[str, Any], seed: int) -> dict[str, Tensor]:
    """Tensors under the names of published checkpoints; linear layers keep the size of what passes through."""
    shapes = weight_shapes(config)
    generator = torch.Generator().manual_seed(seed)
    weights = {}
    for name in sorted(shapes):
        shape = shapes[name]
        if name.endswith("bias"):
            weights[name] = torch.zeros(shape)
        elif len(shape) == 1:  # of a normalisation
            weights[name] = torch.ones(shape)
        else:
            scale = 1.0 if "embed_tokens" in name else torch.Size(shape[1:]).numel() ** -0.5
            weights[name] = scale * torch.randn(shape, generator=generator)
    return weights


def weight_shapes(config: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    """Every tensor of a Qwen2.5-VL checkpoint with tied embeddings, by its published name."""
    width, vision = config["hidden_size"], config["vision_config"]
    key_value_width = width // config["num_attention_heads"] * config["num_key_value_heads"]
    shapes: dict[str, tuple[int, ...]] = {
        "model.embed_tokens.weight": (config["vocab_size"], width),
        "model.norm.weight": (width,),
    }
    for index in range(config["num_hidden_layers"]):
        layer = f"model.layers.{index}"
        for name, rows in (("q", width), ("k", key_value_width), ("v", key_value_width)):
            shapes[f"{layer}.self_attn.{name}_proj.weight"] = (rows, width)
            shapes[f"{layer}.self_attn.{name}_proj.bias"] = (rows,)
        shapes[f"{layer}.self_attn.o_proj.weight"] = (width, width)
        shapes |= _gated_mlp(f"{layer}.mlp", width, config["intermediate_size"], has_bias=False)
        shapes[f"{layer}.input_layernorm.weight"] = (width,)
        shapes[f"{layer}.post_attention_layernorm.weight"] = (width,)
    return shapes | _vision_shapes(vision)


def _vision_shapes(vision: dict[str, Any]) -> dict[str, tuple[int, ...]]:
    width, patch, merged = vision["hidden_size"], vision["patch_size"], vision["spatial_merge_size"] ** 2
    shapes: dict[str, tuple[int, ...]] = {
        "visual.patch_embed.proj.weight": (width, vision["in_chans"], vision["temporal_patch_size"], patch, patch),
        "visual.merger.ln_q.weight": (width,),
    }
    for index in range(vision["depth"]):
        block = f"visual.blocks.{index}"
        shapes |= _linear(f"{block}.attn.qkv", 3 * width, width) | _linear(f"{block}.attn.proj", width, width)
        shapes |= _gated_mlp(f"{block}.mlp", width, vision["intermediate_size"], has_bias=True)
        shapes[f"{block}.norm1.weight"] = shapes[f"{block}.norm2.weight"] = (width,)
    wide = width * merged
    shapes |= _linear("visual.merger.mlp.0", wide, wide)
    return shapes | _linear("visual.merger.mlp.2", vision["out_hidden_size"], wide)


def _linear(name: str, rows: int, columns: int) -> dict[str, tuple[int, ...]]:
    return {f"{name}.weight": (rows, columns), f"{name}.bias": (rows,)}


def _gated_mlp(name: str, width: int, hidden: int, has_bias: bool) -> dict[str, tuple[int, ...]]:
    shapes = {}
    for layer, rows, columns in (
        ("gate_proj", hidden, width),
        ("up_proj", hidden, width),
        ("down_proj", width, hidden),
    ):
        shapes |= _linear(f"{name}.{layer}", rows, columns)
    return shapes if has_bias else {key: shape for key, shape in shapes.items() if not key.endswith("bias")}


def _generation_config(config: dict[str, Any]) -> dict[str, Any]:
    return {
        "bos_token_id": config["bos_token_id"],
        "pad_token_id": config["bos_token_id"],
        "eos_token_id": [config["eos_token_id"], config["bos_token_id"]],
        "do_sample": False,
    }


def _write_json(path: Path, values: dict[str, Any]) -> None:
    path.write_text(json.dumps(values, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, metavar="DIR", help="folder to make; must not exist")
    parser.add_argument("--seed", type=int, default=0, help="of the weights (default 0)")
    options = parser.parse_args()
    try:
        folder = make_tiny_qwen(options.output, options.seed)
    except FuncGraspError as error:
        parser.exit(2, f"{error}\n")
    size = sum(file.stat().st_size for file in folder.iterdir())
    print(f"Written to {folder}: {size / 1e6:.2f} MB.")


if __name__ == "__main__":
    main()
