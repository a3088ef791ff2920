"""Which weights of Qwen2.5-VL are trained, and how they are kept."""

import os
import shutil
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import nn

from funcgrasp_core.errors import (
    CheckpointFormatError,
    CheckpointMissingError,
    ConfigurationError,
    MissingDependencyError,
)
from funcgrasp_core.grasp_model.qwen.backbone import load_backbone
from funcgrasp_core.grasp_model.qwen.config import QwenSemanticConfig, Tuning

if TYPE_CHECKING:
    from transformers import PreTrainedModel, Qwen2_5_VLModel

ADAPTED_LAYERS = r".*language_model\.layers\.\d+\.(self_attn\.[qkvo]_proj|mlp\.(gate|up|down)_proj)"
"""The language model's attention and MLP. Bare layer names would match the vision tower's MLPs too."""

ADAPTER_FILE = "adapter_model.safetensors"


def tune_backbone(model: "Qwen2_5_VLModel", config: QwenSemanticConfig) -> nn.Module:
    """Choose what is trained, and whether layers are recomputed in the backward pass.

    Low-rank adapters: Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", ICLR 2022. They are float32
    whatever the pretrained weights are.

    Args:
        model: pretrained; changed in place.
        config: tuning, adapters, gradient checkpointing.

    Returns:
        The model itself, or a `peft.PeftModel` around it.

    Raises:
        MissingDependencyError: adapters without peft.
    """
    model.requires_grad_(config.tuning == "full")
    tuned: nn.Module = model
    if config.tuning == "lora":
        tuned = _with_adapters(model, config)
    if config.gradient_checkpointing and config.tuning != "frozen":
        # Nothing is recomputed where no gradient comes by: a frozen model, and the vision tower under adapters.
        _recompute_layers(model if config.tuning == "full" else model.language_model)
    return tuned


def _recompute_layers(model: "PreTrainedModel") -> None:
    # Renamed in transformers 5.23; the old name warns there and is gone in 6.
    enable = getattr(model, "activation_checkpointing_enable", None) or model.gradient_checkpointing_enable
    enable({"use_reentrant": False})
    model.enable_input_require_grads()


def _with_adapters(model: "Qwen2_5_VLModel", config: QwenSemanticConfig) -> nn.Module:
    try:
        from peft import LoraConfig, get_peft_model
    except ImportError as error:
        raise MissingDependencyError(
            f"tuning 'lora' needs peft ({error}): install it with `pip install funcgrasp[qwen]`"
        ) from error

    lora = LoraConfig(
        r=config.lora_rank,
        lora_alpha=config.lora_alpha,  # type: ignore[arg-type] - only divided by the rank
        lora_dropout=config.lora_dropout,
        target_modules=ADAPTED_LAYERS,
        bias="none",
    )
    with warnings.catch_warnings():
        # peft asks transformers by a name that transformers is about to drop.
        warnings.filterwarnings("ignore", ".*is_gradient_checkpointing.*", FutureWarning)
        tuned = get_peft_model(model, lora)
    return tuned


def save_tuned_weights(tuned: nn.Module, tuning: Tuning, folder: Path) -> None:
    """Write what was trained: adapters in peft's format, a whole model in transformers'. It appears when complete.

    Args:
        tuned: of `tune_backbone`.
        tuning: as there.
        folder: to make or to replace.

    Raises:
        ConfigurationError: nothing was tuned.
    """
    if tuning == "frozen":
        raise ConfigurationError("a frozen Qwen2.5-VL has no tuned weights to save: only its projection is trained")
    temporary = folder.with_name(folder.name + ".tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        if tuning == "lora":
            # "auto" would ask the network whether the base model's vocabulary was changed.
            tuned.save_pretrained(str(temporary), save_embedding_layers=False)  # type: ignore[operator]
        else:
            tuned.save_pretrained(str(temporary))  # type: ignore[operator]
        for file in temporary.iterdir():
            with file.open("rb") as stream:
                os.fsync(stream.fileno())
        if folder.exists():
            shutil.rmtree(folder)
        temporary.replace(folder)
    except BaseException:
        shutil.rmtree(temporary, ignore_errors=True)
        raise


def load_tuned_weights(tuned: nn.Module, tuning: Tuning, folder: Path) -> None:
    """Read what `save_tuned_weights` wrote into a model of the same tuning.

    Raises:
        CheckpointMissingError: the folder or its weights are not there.
        CheckpointFormatError: they are of another tuning, shape or rank.
        ConfigurationError: nothing is tuned.
    """
    if tuning == "frozen":
        raise ConfigurationError("a frozen Qwen2.5-VL has no tuned weights to load: only its projection is trained")
    if not folder.is_dir():
        raise CheckpointMissingError(
            f"no folder with the tuned Qwen2.5-VL weights at '{folder}': keep it beside the checkpoint file"
        )
    if tuning == "lora":
        _load_adapters(tuned, folder)
    else:
        found = load_backbone(folder, next(tuned.parameters()).dtype)
        try:
            tuned.load_state_dict(found.state_dict())
        except RuntimeError as error:
            raise CheckpointFormatError(
                f"the model in '{folder}' is of another shape than the one it is loaded into: {error}"
            ) from error


def _load_adapters(tuned: nn.Module, folder: Path) -> None:
    from peft import LoraConfig, set_peft_model_state_dict
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    file = folder / ADAPTER_FILE
    if not file.is_file():
        raise CheckpointMissingError(f"'{folder}' lacks {ADAPTER_FILE}: copy the whole folder again")
    try:
        saved = LoraConfig.from_pretrained(str(folder), local_files_only=True)
        tensors = load_file(file)
    except (SafetensorError, OSError, ValueError, TypeError) as error:
        raise CheckpointFormatError(f"the adapters in '{folder}' cannot be read: {error}") from error
    current: LoraConfig = tuned.peft_config["default"]  # type: ignore[index, assignment]
    for name in ("r", "lora_alpha", "target_modules"):
        if getattr(saved, name) != getattr(current, name):
            raise CheckpointFormatError(
                f"the adapters in '{folder}' have {name} {getattr(saved, name)!r}, the model {getattr(current, name)!r}"
            )
    _check_names_and_shapes(tuned, tensors, folder)
    set_peft_model_state_dict(tuned, tensors)


def _check_names_and_shapes(tuned: nn.Module, tensors: dict[str, torch.Tensor], folder: Path) -> None:
    from peft import get_peft_model_state_dict

    expected = {name: tensor.shape for name, tensor in get_peft_model_state_dict(tuned).items()}  # type: ignore[arg-type]
    found = {name: tensor.shape for name, tensor in tensors.items()}
    different = sorted(name for name in expected | found if expected.get(name) != found.get(name))
    if different:
        raise CheckpointFormatError(
            f"the adapters in '{folder}' are for another base model: {different[:3]} are missing, unknown or of "
            "another shape"
        )
