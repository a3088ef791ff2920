"""The list of rclpy's own tests that must pass, and the runner's refusals; the tests themselves need a checkout."""

import re
from pathlib import Path

import pytest
from run_rclpy_tests import LIST, lay_out, listed_tests


def test_the_list_is_what_the_document_says() -> None:
    text = LIST.read_text(encoding="utf-8")
    test_ids = listed_tests(text)
    assert len(test_ids) == len(set(test_ids)) >= 150
    assert f"The {len(test_ids)} tests listed below must\npass" in text
    counts = {name: int(count) for name, count in re.findall(r"^`(test_\w+\.py)`: (\d+)$", text, re.MULTILINE)}
    assert sum(counts.values()) == len(test_ids)
    for name, count in counts.items():
        assert sum(test_id.startswith(f"test/{name}::") for test_id in test_ids) == count


def test_wrong_folders_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="--rclpy takes a checkout"):
        lay_out(tmp_path, [], tmp_path / "copy")
    (tmp_path / "rclpy" / "test").mkdir(parents=True)
    with pytest.raises(SystemExit, match="--interfaces takes a folder"):
        lay_out(tmp_path, [tmp_path], tmp_path / "copy")
