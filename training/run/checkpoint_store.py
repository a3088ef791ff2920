"""Training states on disk: written whole or not at all, the last few kept, resumed exactly."""

import os
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from funcgrasp_core.errors import CheckpointFormatError

_PATTERN = "state_*.pt"


@dataclass(frozen=True)
class CheckpointStore:
    """Training states in one folder.

    Attributes:
        folder: where the states are.
        num_kept: older states are deleted.
    """

    folder: Path
    num_kept: int = 2

    def save(self, step: int, state: dict[str, Any]) -> Path:
        """Write a state of tensors, numbers, text, lists and dictionaries."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"state_{step:08d}.pt"
        temporary = path.with_suffix(".tmp")
        with temporary.open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        for old in self._paths()[: -self.num_kept]:
            old.unlink()
        return path

    def load_latest(self) -> dict[str, Any] | None:
        """The newest state, None if there is none.

        Raises:
            CheckpointFormatError: the newest state cannot be read.
        """
        paths = self._paths()
        if not paths:
            return None
        try:
            return torch.load(paths[-1], map_location="cpu", weights_only=True)
        except (pickle.UnpicklingError, RuntimeError, OSError, EOFError, ValueError) as error:
            raise CheckpointFormatError(
                f"the training state '{paths[-1]}' cannot be read ({error}); delete it to go on from an older one"
            ) from error

    def _paths(self) -> list[Path]:
        return sorted(self.folder.glob(_PATTERN))
