"""Text files that are written whole or not at all."""

from pathlib import Path


def write_whole_text(path: Path, text: str) -> None:
    """Write a file; one that was there stays whole until the new one is complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".unfinished")
    unfinished.write_text(text)
    unfinished.replace(path)
