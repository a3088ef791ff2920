"""Qwen2.5-VL without its output layer, read from a folder and nothing else."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from funcgrasp_core.errors import CheckpointFormatError, MissingDependencyError

if TYPE_CHECKING:
    from transformers import Qwen2_5_VLModel

_LANGUAGE_HEAD = "lm_head."


def load_backbone(path: Path, dtype: torch.dtype) -> "Qwen2_5_VLModel":
    """The pretrained model on the CPU, in evaluation mode. Reads safetensors only, runs no code of the folder.

    Args:
        path: of a folder with config.json and weights, in the published layout or in that of `save_pretrained`.
        dtype: of the weights.

    Raises:
        CheckpointFormatError: weights are damaged, missing or of other shapes than the configuration says.
        MissingDependencyError: transformers is not installed.
    """
    model_class = _model_class()
    with _without_progress_bars():
        try:
            loaded: Any = model_class.from_pretrained(
                str(path),
                dtype=dtype,
                attn_implementation="sdpa",
                use_safetensors=True,
                local_files_only=True,
                output_loading_info=True,
            )
        except Exception as error:  # of many types, for what can be wrong in configuration and weights
            if isinstance(error, MemoryError) or "allocate memory" in str(error):
                raise  # whoever asked for the model knows what to say
            raise CheckpointFormatError(
                f"the Qwen2.5-VL weights in '{path}' cannot be read ({type(error).__name__}: {error}); copy them again"
            ) from error
    model, found = loaded
    missing = sorted(found["missing_keys"])
    unknown = sorted(key for key in found["unexpected_keys"] if not key.startswith(_LANGUAGE_HEAD))
    misshapen = sorted(str(entry[0]) for entry in found["mismatched_keys"])
    if missing or unknown or misshapen:
        raise CheckpointFormatError(
            f"the Qwen2.5-VL weights in '{path}' do not fit its config.json: missing {missing[:3]}, unknown "
            f"{unknown[:3]}, of another shape {misshapen[:3]}; copy the whole checkpoint again"
        )
    # Both would be written beside tuned weights, where a path of this machine says nothing.
    model.name_or_path = model.config.name_or_path = ""
    return model.eval()


def _model_class() -> type["Qwen2_5_VLModel"]:
    try:
        from transformers import Qwen2_5_VLModel
    except ImportError as error:
        raise MissingDependencyError(
            f"Qwen2.5-VL needs transformers and peft ({error}): install them with `pip install funcgrasp[qwen]`"
        ) from error
    return Qwen2_5_VLModel


@contextmanager
def _without_progress_bars() -> Iterator[None]:
    from transformers.utils import logging

    was_enabled = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if was_enabled:
            logging.enable_progress_bar()
