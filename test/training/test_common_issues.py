import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROWS = [line for line in (ROOT / "docs" / "common_issues.md").read_text().splitlines() if "::" in line]


def test_every_issue_of_the_original_pipeline_is_answered():
    assert len(ROWS) == 13


@pytest.mark.parametrize("row", ROWS, ids=[row.split("|")[1].strip() for row in ROWS])
def test_the_named_test_exists(row):
    match = re.search(r"`(test/[\w/]+\.py)::(\w+)`", row)
    assert match is not None
    functions = {
        node.name for node in ast.parse((ROOT / match[1]).read_text()).body if isinstance(node, ast.FunctionDef)
    }
    assert match[2] in functions
