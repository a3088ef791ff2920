"""Digests of many files, remembered: a file with its old size and time of change is not read again.

The same rule by which version control notices changes; a copied or touched file is read again and, with its old
content, gets its old digest.
"""

import contextlib
import hashlib
import json
from pathlib import Path

from training.data.oakink_writer import write_whole


class FileDigests:
    """SHA-256 of files.

    Args:
        memory: file that remembers digests from one run to the next; a damaged one is ignored.
    """

    def __init__(self, memory: Path):
        self._memory = memory
        self._known: dict[str, list[int | str]] = {}
        self._is_changed = False
        try:
            known = json.loads(memory.read_text())
        except (OSError, ValueError):
            known = {}
        if isinstance(known, dict):
            self._known = known

    def digest(self, path: Path) -> str | None:
        """Hexadecimal; None if there is no such file."""
        try:
            status = path.stat()
        except OSError:
            return None
        name, stamp = str(path.absolute()), [status.st_size, status.st_mtime_ns]
        known = self._known.get(name)
        if isinstance(known, list) and len(known) == 3 and known[:2] == stamp:
            return str(known[2])
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        self._known[name] = [*stamp, digest]
        self._is_changed = True
        return digest

    def save(self) -> None:
        """Writes down what was learnt; where that is not possible, the files are read again next time."""
        if self._is_changed:
            with contextlib.suppress(OSError):
                write_whole(self._memory, json.dumps(self._known).encode())
            self._is_changed = False
