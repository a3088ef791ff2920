"""Lists and tables of the pages that programs write."""

from collections.abc import Sequence


def bulleted(lines: Sequence[str]) -> str:
    """One bullet for each line."""
    return "\n".join(f"- {line}" for line in lines)


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]], num_texts: int | None = None) -> str:
    """A table; all cells are text.

    Args:
        header: C titles.
        rows: of C cells each.
        num_texts: columns after the first so many are aligned to the right; None: none is.
    """
    num_left = len(header) if num_texts is None else num_texts
    rule = ["---" if number < num_left else "---:" for number in range(len(header))]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (header, rule, *rows))
