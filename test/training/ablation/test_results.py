import dataclasses

import pytest

from funcgrasp_core.errors import InvalidFileError
from training.ablation.results import (
    AblationResults,
    RunResult,
    VariantRow,
    read_results,
    read_runs,
    valid_runs,
    write_results,
    write_run,
)

ROWS = (
    VariantRow("base", "nothing", "", "d0", ()),
    VariantRow("focal", "focal loss", "base", "d1", ("contact_loss",)),
)


def run(variant, seed, digest, value=1.0):
    return RunResult(variant, digest, seed, {"hand_f1": value}, "machine", "abc")


def test_runs_of_another_digest_are_not_counted_and_the_last_one_wins():
    runs = [
        run("focal", 1, "d1"),
        run("base", 0, "d0", 0.1),
        run("base", 0, "d0", 0.2),
        run("focal", 0, "stale"),
        run("gone", 0, "d0"),
    ]
    assert valid_runs(ROWS, runs) == (run("base", 0, "d0", 0.2), run("focal", 1, "d1"))


def test_files_come_back(tmp_path):
    one = run("base", 0, "d0", 0.25)
    write_run(tmp_path / "runs" / "base.json", one)
    assert read_runs(tmp_path / "runs") == [one]
    results = AblationResults(("A run.",), "command", 61.4, ROWS, (one, run("focal", 0, "d1")))
    write_results(tmp_path / "all.json", results)
    assert read_results(tmp_path / "all.json") == results
    empty = dataclasses.replace(results, runs=())
    write_results(tmp_path / "all.json", empty)
    assert read_results(tmp_path / "all.json") == empty
    assert results.figures("focal", "hand_f1") == {0: 1.0}
    assert results.figures("focal", "map_f1") == {}


@pytest.mark.parametrize("text", ["nothing", "{}", '{"rows": [], "runs": [{"a": 1}], "budget": []}'])
def test_other_files_are_refused_by_name(tmp_path, text):
    (tmp_path / "all.json").write_text(text)
    with pytest.raises(InvalidFileError, match=r"all\.json"):
        read_results(tmp_path / "all.json")
    with pytest.raises(InvalidFileError, match=r"all\.json"):
        read_runs(tmp_path)
