"""The benchmark's straightforward versions compute what ours do, and a row with other outputs says so."""

import json
import time

import torch

from bench.point_sampling import rows_of_batch
from bench.side_by_side import SideBySide, compare, machine_facts, report

CPU = torch.device("cpu")


def test_all_rows_agree_and_are_written_with_the_machine(tmp_path, capsys):
    rows = rows_of_batch(1, CPU, num_calls=2)
    assert [row.name.split(" B=")[0] for row in rows] == [
        "farthest point sampling",
        "k nearest",
        "ball query",
        "interpolation",
    ]
    assert all(row.outputs_agree for row in rows)
    report(rows, tmp_path / "figures.json")
    written = json.loads((tmp_path / "figures.json").read_text())
    assert written["machine"]["torch"] == torch.__version__
    assert written["rows"][0]["ours_ms"].keys() == {"p50", "p95", "p99"}
    assert "does not count" not in capsys.readouterr().out


def test_calls_alternate_and_the_ratio_is_of_the_medians():
    order = []
    row = compare(
        "sleep",
        lambda: order.append("ours") or time.sleep(0.001),
        lambda: order.append("theirs") or time.sleep(0.004),
        outputs_agree=True,
        device=CPU,
        num_calls=5,
    )
    assert order == ["ours", "theirs"] * 10
    assert row.ours_ms["p50"] >= 1.0
    assert row.straightforward_ms["p50"] >= 4.0
    assert row.speed_up == row.straightforward_ms["p50"] / row.ours_ms["p50"]


def test_a_row_whose_outputs_differ_does_not_count(capsys):
    times = {"p50": 1.0, "p95": 1.0, "p99": 1.0}
    report([SideBySide("a", times, times, 1.0, outputs_agree=False, num_calls=1)], None)
    assert "OUTPUTS DIFFER: does not count" in capsys.readouterr().out


def test_machine_facts_name_processor_and_commit():
    facts = machine_facts()
    assert facts["cores"] >= 1
    assert facts["processor"]
    assert facts["commit"]
