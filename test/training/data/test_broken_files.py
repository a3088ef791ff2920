"""Broken files are refused, or skipped and listed."""

from pathlib import Path

import pytest

from funcgrasp_core.errors import ConfigurationError, DatasetError
from training.data.broken_files import BrokenFile, BrokenFiles


def read(path, error):
    if error is not None:
        raise error
    return path.name


def test_refusing_lets_the_error_through():
    broken = BrokenFiles("refuse")
    with pytest.raises(DatasetError, match="hand is damaged"), broken.reading(Path("a")):
        read(Path("a"), DatasetError("the hand is damaged"))
    assert len(broken) == 0


def test_skipping_lists_every_file_and_leaves_the_rest_of_the_block_out():
    broken, read_files = BrokenFiles("skip"), []
    for name, error in (("a", None), ("b", DatasetError("b is empty")), ("c", DatasetError("too short")), ("d", None)):
        with broken.reading(Path(name)):
            read_files.append(read(Path(name), error))
    assert read_files == ["a", "d"]
    assert list(broken) == [BrokenFile(Path("b"), "b is empty"), BrokenFile(Path("c"), "too short")]
    assert broken.summary() == "b is empty\nc: too short"
    assert broken.summary(num_shown=1) == "b is empty\n... and 1 more"


def test_other_errors_are_never_swallowed():
    with pytest.raises(ZeroDivisionError), BrokenFiles("skip").reading(Path("a")):
        read(Path("a"), ZeroDivisionError())


def test_an_unknown_policy_is_refused():
    with pytest.raises(ConfigurationError, match="refuse, skip, not 'ignore'"):
        BrokenFiles("ignore")  # pyright: ignore[reportArgumentType]
