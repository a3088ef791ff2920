"""Training states on disk: written whole or not at all; the newest ones and the best are kept."""

import errno
import os
import pickle
import shutil
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from funcgrasp_core.errors import CheckpointFormatError
from training.run.training_errors import CheckpointWriteError

_PATTERN = "state_????????.pt"
_UNFINISHED = ".unfinished"
_BEST = "best.pt"
_NO_ROOM = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)
_UNREADABLE = (zipfile.BadZipFile, zlib.error, pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError)


@dataclass(frozen=True)
class CheckpointStore:
    """Training states in one folder, `state_<step>.pt`; the link `best.pt` names the best.

    Attributes:
        folder: where the states are.
        num_kept: older states are deleted, unless they are the best.
    """

    folder: Path
    num_kept: int = 2

    def save(self, step: int, state: dict[str, Any], is_best: bool = False) -> Path:
        """Write a state of tensors, numbers, text, lists and dictionaries.

        Returns only when the state is on the disk under its own name; killed before that, the older ones stay.

        Raises:
            CheckpointWriteError: there is no room for it, or the folder cannot be written. The older states stay.
        """
        path = self._path(step)
        unfinished = path.with_name(path.name + _UNFINISHED)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with unfinished.open("wb") as file:
                torch.save(state, file)
                file.flush()
                os.fsync(file.fileno())
            unfinished.replace(path)
            if is_best:
                self.mark_best(step)
            _sync_folder(self.folder)
        except (OSError, RuntimeError) as error:
            written = 0
            if unfinished.exists():
                written = unfinished.stat().st_size
                unfinished.unlink()
            raise CheckpointWriteError(self._why_not_written(path, error, written)) from error
        self._delete_old()
        return path

    def delete_unfinished(self) -> list[str]:
        """Remove what saves that were killed left behind; their names."""
        leftovers = sorted(self.folder.glob(f"*{_UNFINISHED}"))
        for path in leftovers:
            path.unlink()
        return [path.name for path in leftovers]

    def newest_whole(self, say: Callable[[str], None]) -> Path | None:
        """The newest state that can be read, None if there is none.

        A damaged one is renamed to `<name>.damaged`, which is said.

        Raises:
            CheckpointFormatError: there are states, and all of them are damaged.
        """
        paths = self.paths()
        for path in reversed(paths):
            complaint = _damage_of(path)
            if complaint is None:
                return path
            path.replace(path.with_name(path.name + ".damaged"))
            say(f"the training state '{path}' is damaged ({complaint}); kept as '{path.name}.damaged', trying an older")
        if paths:
            raise CheckpointFormatError(
                f"all training states in '{self.folder}' are damaged; delete the folder to train from the start"
            )
        return None

    def load(self, path: Path) -> dict[str, Any]:
        """Read a state, tensors on the CPU.

        Raises:
            CheckpointFormatError: it is not a training state.
        """
        try:
            return torch.load(path, map_location="cpu", weights_only=True)
        except (OSError, *_UNREADABLE) as error:
            raise CheckpointFormatError(f"'{path}' is not a training state ({error})") from error

    def paths(self) -> list[Path]:
        """All whole states, oldest first."""
        return sorted(self.folder.glob(_PATTERN))

    def best(self) -> Path | None:
        """The best state so far, None if none was called that."""
        link = self.folder / _BEST
        return self.folder / os.readlink(link) if link.exists() else None

    def mark_best(self, step: int) -> None:
        """Let `best.pt` name the state of a step."""
        link = self.folder / (_BEST + _UNFINISHED)
        link.unlink(missing_ok=True)
        link.symlink_to(self._path(step).name)
        link.replace(self.folder / _BEST)

    def _path(self, step: int) -> Path:
        return self.folder / f"state_{step:08d}.pt"

    def _delete_old(self) -> None:
        best = self.best()
        for old in self.paths()[: -self.num_kept]:
            if old != best:
                old.unlink()

    def _why_not_written(self, path: Path, error: Exception, written: int) -> str:
        cause = _first_cause(error)
        free = shutil.disk_usage(self.folder).free if self.folder.is_dir() else 0
        no_room = isinstance(cause, OSError) and cause.errno in _NO_ROOM
        reason = "there is no room for it" if no_room else str(cause).splitlines()[0]
        older = self.paths()
        kept = f"'{older[-1]}' is whole" if older else "there is no older one"
        return (
            f"the training state '{path}' cannot be written: {reason} (failed after {written / 2**20:.1f} MiB, "
            f"{free / 2**20:.1f} MiB are free); {kept}. Make room and give the same command again to go on from there"
        )


def _first_cause(error: BaseException) -> BaseException:
    """torch meets the disk's complaint again when it closes its archive, and raises another one."""
    while error.__context__ is not None:
        error = error.__context__
    return error


def _damage_of(path: Path) -> str | None:
    """Why a state cannot be read, None if every byte of it is as it was written."""
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
        if damaged is not None:
            return f"'{damaged}' in it has another checksum"
        torch.load(path, map_location="meta", weights_only=True)
    except _UNREADABLE as error:
        return str(error).splitlines()[0] if str(error) else type(error).__name__
    return None


def _sync_folder(folder: Path) -> None:
    """Make a rename last through a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
