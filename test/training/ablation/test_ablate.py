"""A whole ablation of two variants and two seeds, killed on its way and given again."""

import dataclasses
import os
import subprocess
import sys
import time

import pytest
from small_ablation import pack_small_data

from training.ablate import main
from training.ablation.measures import MEASURES
from training.ablation.results import read_results
from training.ablation.table import ablation_page

TIMES = ("train_cpu_s", "sample_ms")


def arguments(folder, packed, *others):
    return [
        *("--base", "debug", "--data", str(packed), "--jobs", "0", "--only", "base", "focal", "--seeds", "0", "1"),
        *("--max-cases", "4", "--output", str(folder), "--results", str(folder / "all.json")),
        *("--page", str(folder / "page.md"), *others),
    ]


def without_times(path):
    """Results with the figures that no two runs share set to zero."""
    results = read_results(path)
    runs = [
        dataclasses.replace(run, figures={**run.figures, **dict.fromkeys(TIMES, 0.0)}, machine="", commit="")
        for run in results.runs
    ]
    return dataclasses.replace(results, runs=tuple(runs))


def kill_when(condition, command):
    process = subprocess.Popen(command, env=os.environ | {"PYTHONPATH": "."}, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 100
    while not condition():
        assert process.poll() is None, "the ablation ended by itself"
        assert time.monotonic() < deadline, "nothing was written"
        time.sleep(0.005)
    process.kill()
    process.wait()


@pytest.fixture(scope="module")
def packed(tmp_path_factory):
    return pack_small_data(tmp_path_factory.mktemp("packed") / "data.safetensors")


@pytest.fixture(scope="module")
def whole(packed, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    main(arguments(folder, packed))
    return folder


def test_every_figure_is_there(whole):
    results = read_results(whole / "all.json")
    assert [(run.variant, run.seed) for run in results.runs] == [(n, s) for n in ("base", "focal") for s in (0, 1)]
    for run in results.runs:
        assert set(run.figures) == {measure.name for measure in MEASURES}
    assert (whole / "page.md").read_text() == ablation_page(results)
    assert not list((whole / "runs").glob("*/states"))


def test_killed_in_a_training_it_goes_on_to_the_same_table(packed, whole, tmp_path):
    command = [sys.executable, "-m", "training.ablate", *arguments(tmp_path, packed)]
    first_result = tmp_path / "results" / "base.seed_0.json"
    kill_when(lambda: first_result.exists() and list(tmp_path.glob("runs/*/states/state_*.pt")), command)
    earlier = first_result.stat().st_mtime_ns
    assert len(list((tmp_path / "results").iterdir())) < 4
    main(arguments(tmp_path, packed))
    assert first_result.stat().st_mtime_ns == earlier
    killed, uninterrupted = without_times(tmp_path / "all.json"), without_times(whole / "all.json")
    assert killed == uninterrupted
    assert ablation_page(killed) == ablation_page(uninterrupted)


def test_nothing_is_run_twice_and_the_table_can_be_made_again(packed, whole, capsys):
    before = (whole / "all.json").read_bytes()
    (whole / "page.md").unlink()
    main(arguments(whole, packed, "--table"))
    assert (whole / "page.md").read_text() == ablation_page(read_results(whole / "all.json"))
    main(arguments(whole, packed))
    assert (whole / "all.json").read_bytes() == before
    main(arguments(whole, packed, "--list"))
    assert "0 trainings or judgements are missing" in capsys.readouterr().out


@pytest.mark.slow
def test_processes_of_their_own_give_the_same_and_a_student_waits_for_its_teacher(packed, whole, tmp_path):
    with_reflow = arguments(tmp_path, packed, "--only", "base", "reflow", "focal", "--seeds", "0", "--jobs", "2")
    main(with_reflow)
    results = read_results(tmp_path / "all.json")
    assert [run.variant for run in results.runs] == ["base", "focal", "reflow"]
    inline = {run.variant: run for run in without_times(whole / "all.json").runs if run.seed == 0}
    spawned = {run.variant: run for run in without_times(tmp_path / "all.json").runs}
    assert spawned["base"] == inline["base"]
    assert spawned["focal"] == inline["focal"]
    assert spawned["reflow"].figures["vertex_error_mm"] != spawned["base"].figures["vertex_error_mm"]


@pytest.mark.slow
def test_every_variant_trains_and_is_judged(packed, tmp_path):
    everything = ["--base", "debug", "--data", str(packed), "--jobs", "0", "--seeds", "0", "--steps", "2"]
    places = ["--output", str(tmp_path), "--results", str(tmp_path / "all.json"), "--page", str(tmp_path / "page.md")]
    main([*everything, "--max-cases", "1", *places])
    results = read_results(tmp_path / "all.json")
    assert [run.variant for run in results.runs] == [row.name for row in results.rows]
    assert "Not run yet" not in (tmp_path / "page.md").read_text()
    by_name = {run.variant: run.figures for run in results.runs}
    kept, computed = by_name["base"]["vertex_error_mm"], by_name["targets_not_kept"]["vertex_error_mm"]
    assert computed == pytest.approx(kept, rel=1e-3)
