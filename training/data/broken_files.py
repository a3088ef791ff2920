"""What happens when a file of a data set is broken: it is refused, or skipped and written down."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from funcgrasp_core.errors import ConfigurationError, DatasetError

OnBroken = Literal["refuse", "skip"]


@dataclass(frozen=True)
class BrokenFile:
    """A file that cannot be used, or is not there.

    Attributes:
        path: of the file or folder.
        reason: one sentence; it may name the path again.
    """

    path: Path
    reason: str

    def __str__(self) -> str:
        return self.reason if str(self.path) in self.reason else f"{self.path}: {self.reason}"


class BrokenFiles:
    """Refuses broken files, or collects them so that a caller can report every one.

    Args:
        on_broken: "refuse" lets the `DatasetError` through that names the file; "skip" keeps it in the list.
    """

    def __init__(self, on_broken: OnBroken = "refuse"):
        if on_broken not in get_args(OnBroken):
            raise ConfigurationError(f"on_broken must be one of {', '.join(get_args(OnBroken))}, not '{on_broken}'")
        self.on_broken: OnBroken = on_broken
        self._files: list[BrokenFile] = []

    def __iter__(self) -> Iterator[BrokenFile]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)

    @contextmanager
    def reading(self, path: Path) -> Iterator[None]:
        """A block that reads a file; where it fails with a `DatasetError` and files are skipped, the rest is left out.

        Raises:
            DatasetError: the file is broken and is to be refused.
        """
        try:
            yield
        except DatasetError as error:
            if self.on_broken == "refuse":
                raise
            self.add(BrokenFile(path, str(error)))

    def add(self, broken: BrokenFile) -> None:
        """Writes a file down without a failure of reading it."""
        self._files.append(broken)

    def summary(self, num_shown: int = 5) -> str:
        """The first few in one line each, and how many there are."""
        lines = [str(broken) for broken in self._files[:num_shown]]
        hidden = len(self._files) - len(lines)
        return "\n".join([*lines, f"... and {hidden} more"] if hidden else lines)
