"""Computed tensors on disk, one file for each object and kind, named by a digest of all that they were computed from.

Nothing is ever overwritten or trusted by date: other content has another name. Files are written whole or not at all,
so a killed run continues where it was, and several processes may fill one folder at once.
"""

import contextlib
import hashlib
import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from funcgrasp_core.errors import DatasetError

CACHE_FOLDER = ".cache"
"""Where the blocks of a data set lie in its folder, if nothing else is asked for."""

_KEY_LENGTH = 32


def content_key(*parts: object) -> str:
    """A digest of numbers, texts, bytes and arrays, each with its type and length; hexadecimal."""
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, Tensor):
            part = part.contiguous().numpy()
        if isinstance(part, np.ndarray):
            head, content = f"{part.dtype.str}{part.shape}", np.ascontiguousarray(part).tobytes()
        elif isinstance(part, bytes):
            head, content = "bytes", part
        else:
            head, content = type(part).__name__, repr(part).encode()
        digest.update(f"{head}:{len(content)}:".encode())
        digest.update(content)
    return digest.hexdigest()[:_KEY_LENGTH]


class BlockCache:
    """Blocks of named tensors.

    Blocks are mapped into memory when they are loaded: only what is used is read, and the system may drop it again.

    Args:
        folder: of all blocks; made when the first one is written. It may be deleted at any time.

    Attributes:
        num_computed: blocks that were not there and had to be computed, since this object was made.
        bytes_loaded: size of all blocks that were handed out.
    """

    def __init__(self, folder: Path | str):
        self.folder = Path(folder)
        self.num_computed = 0
        self.bytes_loaded = 0

    def path(self, kind: str, name: str, key: str) -> Path:
        """Where a block lies.

        Args:
            kind: of the content.
            name: of the object, for people who look into the folder.
            key: of everything that the content depends on, see `content_key`.
        """
        readable = "".join(character if character.isalnum() or character in "-_" else "_" for character in name)
        return self.folder / kind / f"{readable}.{key}.safetensors"

    def has(self, kind: str, name: str, key: str) -> bool:
        """Whether a block is there."""
        return self.path(kind, name, key).is_file()

    def load_or_compute(
        self, kind: str, name: str, key: str, compute: Callable[[], Mapping[str, Tensor]]
    ) -> dict[str, Tensor]:
        """The tensors of a block, computed and written first if they are not there or the file is damaged.

        Raises:
            DatasetError: the block cannot be written.
        """
        path = self.path(kind, name, key)
        tensors = _load(path)
        if tensors is None:
            _write(path, compute())
            self.num_computed += 1
            tensors = _load(path)
            if tensors is None:
                raise DatasetError(f"{path} cannot be read back after it was written: check the disk")
        self.bytes_loaded += path.stat().st_size
        return tensors


def _load(path: Path) -> dict[str, Tensor] | None:
    """None if there is no such block, or it is cut short."""
    if not path.is_file():
        return None
    try:
        return load_file(path)
    except (SafetensorError, OSError):
        return None


def _write(path: Path, tensors: Mapping[str, Tensor]) -> None:
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}.unfinished")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        save_file({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, unfinished)
        with unfinished.open("rb+") as file:
            os.fsync(file.fileno())
        unfinished.replace(path)
    except (OSError, SafetensorError) as error:
        with contextlib.suppress(OSError):
            unfinished.unlink(missing_ok=True)
        size = sum(tensor.nbytes for tensor in tensors.values())
        raise DatasetError(
            f"{path} ({size / 1e6:.1f} MB) cannot be written ({error}): make room, or give another folder that can be "
            "written with --cache"
        ) from error


def free_bytes(folder: Path) -> int:
    """Room on the disk that a folder lies on or would lie on."""
    while not folder.exists():
        folder = folder.parent
    status = os.statvfs(folder)
    return status.f_bavail * status.f_frsize


def tensor_bytes(shape: tuple[int, ...], dtype: torch.dtype) -> int:
    """Size of a tensor."""
    return int(np.prod(shape)) * dtype.itemsize
