"""A model in one safetensors file: weights, configuration, where it comes from, and a format number.

Of a model with Qwen2.5-VL as semantic encoder the file holds the rest. What was tuned of Qwen2.5-VL lies in a folder
beside it, `NAME.semantic` for `NAME.safetensors`; what was not comes from a checkpoint folder that is given at loading.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from funcgrasp_core.assets import REFERENCE_HAND, asset_path
from funcgrasp_core.errors import CheckpointFormatError, CheckpointMissingError, ConfigurationError
from funcgrasp_core.grasp_model.config import GraspModelConfig
from funcgrasp_core.grasp_model.grasp_model import GraspModel, build_grasp_model
from funcgrasp_core.grasp_model.qwen.config import QwenSemanticConfig
from funcgrasp_core.grasp_model.qwen.encoder import QwenSemanticEncoder
from funcgrasp_core.grasp_model.qwen.weights_beside import load_beside, remove_others, save_beside

FORMAT = "funcgrasp-grasp-model"
FORMAT_VERSION = 1

_QWEN_WEIGHTS = "semantic_encoder.backbone."


@dataclass(frozen=True)
class LoadedModel:
    """A model ready to plan with, and what its file says about it.

    Attributes:
        model: in evaluation mode, on the device asked for, float32.
        config: that it was built from.
        provenance: how it was trained, free-form.
    """

    model: GraspModel
    config: GraspModelConfig
    provenance: Mapping[str, str]


def save_checkpoint(
    path: Path, model: GraspModel, provenance: Mapping[str, str], dtype: torch.dtype = torch.float32
) -> None:
    """Write a model; a file that was there stays whole until the new one is complete, its tuned weights too.

    Args:
        path: of the file.
        model: what to write.
        provenance: how it was trained.
        dtype: that floating-point weights are stored in; statistics stay in float32.
    """
    metadata = {
        "format": FORMAT,
        "format_version": str(FORMAT_VERSION),
        "config": model.config.to_json(),
        "hand": reference_hand_digest(),
        "provenance": json.dumps(dict(provenance)),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    encoder = model.semantic_encoder
    if isinstance(encoder, QwenSemanticEncoder):
        metadata |= save_beside(path, encoder)
    buffers = {name for name, _ in model.named_buffers()}
    tensors = {}
    for name, tensor in _own_weights(model).items():
        keeps_type = name in buffers or not tensor.is_floating_point()
        tensors[name] = tensor.detach().cpu().to(tensor.dtype if keeps_type else dtype).contiguous()
    temporary = path.with_name(path.name + ".tmp")
    save_file(tensors, temporary, metadata)
    with temporary.open("rb") as stream:
        os.fsync(stream.fileno())
    temporary.replace(path)
    remove_others(path, metadata)


def reference_hand_digest() -> str:
    """SHA-256 of the reference hand: a model's grasps are written in its palm frame and joint axes."""
    return hashlib.sha256(asset_path(REFERENCE_HAND).read_bytes()).hexdigest()


def load_checkpoint(path: Path, device: str | torch.device = "cpu", semantic_model: Path | None = None) -> LoadedModel:
    """Read what `save_checkpoint` wrote.

    Args:
        path: of the file.
        device: where the model shall run.
        semantic_model: folder of the Qwen2.5-VL checkpoint that the model was trained with; None for models without.

    Raises:
        CheckpointMissingError: there is no such file, or what lies beside it or in `semantic_model` is not there.
        CheckpointFormatError: it is something else, or of another version, or does not fit its own configuration or
            `semantic_model`.
        ConfigurationError: a `semantic_model` for a model that has none.
        MissingDependencyError: it needs a package that is not installed.
    """
    path = Path(path)
    if not path.is_file():
        raise CheckpointMissingError(
            f"no checkpoint at '{path}'; set `checkpoint` to a .safetensors file that the training wrote, "
            "or leave it empty for the one that ships"
        )
    metadata, tensors = _read(path)
    if metadata.get("hand") != reference_hand_digest():
        raise CheckpointFormatError(
            f"'{path}' was trained with another reference hand than this package has, with other palm and joint "
            "axes; train it anew with this version"
        )
    with _configuration_errors_named(path):
        config = GraspModelConfig.from_json(metadata["config"])
        provenance = dict(json.loads(metadata.get("provenance", "{}")))
    _check_semantic_model(path, config, semantic_model)
    with _configuration_errors_named(path):
        model = build_grasp_model(config, semantic_model)
    if isinstance(model.semantic_encoder, QwenSemanticEncoder):
        load_beside(path, metadata, model.semantic_encoder)
    expected = _own_weights(model)
    missing, unknown = sorted(expected.keys() - tensors.keys()), sorted(tensors.keys() - expected.keys())
    misshapen = [n for n in expected.keys() & tensors.keys() if expected[n].shape != tensors[n].shape]
    if missing or unknown or misshapen:
        raise CheckpointFormatError(
            f"'{path}' does not fit its configuration '{config.name}': missing {missing[:3]}, unknown "
            f"{unknown[:3]}, of another shape {sorted(misshapen)[:3]}; train it anew with this version"
        )
    own = {name: tensors[name].to(expected[name].dtype) for name in expected}
    model.load_state_dict(own, strict=False)  # every name was compared above; tuned weights are in place
    return LoadedModel(model.to(device).eval(), config, provenance)


@contextmanager
def _configuration_errors_named(path: Path) -> Iterator[None]:
    try:
        yield
    except (KeyError, ValueError, TypeError, AttributeError, ConfigurationError) as error:
        # TypeError and AttributeError: JSON whose values are of other types than a configuration's.
        raise CheckpointFormatError(
            f"'{path}': its configuration cannot be used ({error}); export the checkpoint again"
        ) from error


def _own_weights(model: GraspModel) -> dict[str, Tensor]:
    """What the file itself holds."""
    return {name: tensor for name, tensor in model.state_dict().items() if not name.startswith(_QWEN_WEIGHTS)}


def _check_semantic_model(path: Path, config: GraspModelConfig, semantic_model: Path | None) -> None:
    needs_one = isinstance(config.semantic, QwenSemanticConfig)
    if needs_one and semantic_model is None:
        raise CheckpointMissingError(
            f"'{path}' was trained with Qwen2.5-VL: set `semantic_model` to a local copy of the checkpoint folder that "
            "it was trained with; nothing is downloaded"
        )
    if not needs_one and semantic_model is not None:
        raise ConfigurationError(
            f"'{path}' has its own semantic encoder and takes no `semantic_model`: leave that empty, or give a "
            "checkpoint that was trained with Qwen2.5-VL"
        )


def _read(path: Path) -> tuple[dict[str, str], dict[str, Tensor]]:
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except (SafetensorError, OSError) as error:
        raise CheckpointFormatError(f"'{path}' is not a safetensors file: {error}") from error
    found = metadata.get("format")
    if found != FORMAT:
        raise CheckpointFormatError(
            f"'{path}' is not a grasp model of this package: its format is '{found}', expected '{FORMAT}'"
        )
    version = metadata.get("format_version")
    if version != str(FORMAT_VERSION):
        raise CheckpointFormatError(
            f"'{path}' has format version {version}, this package reads version {FORMAT_VERSION}; "
            "train or convert it with the matching version"
        )
    return metadata, tensors
