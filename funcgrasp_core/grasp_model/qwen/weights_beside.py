"""Tuned Qwen2.5-VL weights in a folder beside the checkpoint file that they belong to.

`NAME.safetensors` names its folder `NAME.semantic/DIGEST`, and the base model that the weights were tuned from. A
folder is complete before a file names it and is removed after the file that names it was replaced, so a stop at any
instant leaves file and folder that fit.
"""

import hashlib
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path

from funcgrasp_core.errors import CheckpointFormatError
from funcgrasp_core.grasp_model.qwen.encoder import QwenSemanticEncoder

BASE_KEY = "semantic_base"
FOLDER_KEY = "semantic_weights"
_NEW = "new"
_DIGEST_DIGITS = 16
_DIGEST = re.compile(f"[0-9a-f]{{{_DIGEST_DIGITS}}}")
_BLOCK_BYTES = 1 << 20


def save_beside(path: Path, encoder: QwenSemanticEncoder) -> dict[str, str]:
    """Write what was tuned; nothing for a frozen model.

    Args:
        path: of the checkpoint file that is about to be written.
        encoder: whose backbone was tuned.

    Returns:
        Metadata for that file.
    """
    if encoder.config.tuning == "frozen":
        return {BASE_KEY: encoder.base_digest}
    folder = _folder(path)
    new = folder / _NEW
    encoder.save_tuned(new)
    digest = _digest(new)
    kept = folder / digest
    if kept.exists():
        shutil.rmtree(new)
    else:
        new.replace(kept)
    _sync(folder)
    return {BASE_KEY: encoder.base_digest, FOLDER_KEY: digest}


def remove_others(path: Path, metadata: Mapping[str, str]) -> None:
    """Remove tuned weights of checkpoints that `path` held before; call once the file with `metadata` is there.

    Only folders that `save_beside` makes are touched.
    """
    folder = _folder(path)
    if not folder.is_dir():
        return
    for entry in folder.iterdir():
        is_ours = _DIGEST.fullmatch(entry.name) or entry.name in (_NEW, f"{_NEW}.tmp")
        if is_ours and entry.name != metadata.get(FOLDER_KEY):
            shutil.rmtree(entry, ignore_errors=True)
    if not any(folder.iterdir()):
        folder.rmdir()


def load_beside(path: Path, metadata: Mapping[str, str], encoder: QwenSemanticEncoder) -> None:
    """Read what `save_beside` wrote into an encoder of the same configuration.

    Raises:
        CheckpointMissingError: the folder is not there.
        CheckpointFormatError: the weights are damaged or belong to another base model.
    """
    if metadata.get(BASE_KEY) != encoder.base_digest:
        raise CheckpointFormatError(
            f"'{path}' was trained with another Qwen2.5-VL than the one in `semantic_model` (digests "
            f"{str(metadata.get(BASE_KEY))[:_DIGEST_DIGITS]} and {encoder.base_digest[:_DIGEST_DIGITS]}): give the "
            "folder that it was trained with"
        )
    if encoder.config.tuning == "frozen":
        return
    name = metadata.get(FOLDER_KEY, "")
    if not _DIGEST.fullmatch(name):
        raise CheckpointFormatError(f"'{path}' does not say where its tuned weights are; export the checkpoint again")
    encoder.load_tuned(_folder(path) / name)


def _folder(path: Path) -> Path:
    return path.with_suffix(".semantic")


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(folder.glob("*.safetensors")):
        digest.update(file.name.encode())
        with file.open("rb") as stream:
            while block := stream.read(_BLOCK_BYTES):
                digest.update(block)
    return digest.hexdigest()[:_DIGEST_DIGITS]


def _sync(folder: Path) -> None:
    """Make sure that the folder's entries are on disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
