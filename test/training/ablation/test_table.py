import dataclasses
from pathlib import Path

import pytest

from training.ablate import RESULTS_FILE, TABLE_FILE
from training.ablation.results import AblationResults, RunResult, VariantRow, read_results
from training.ablation.table import ablation_page

ROOT = Path(__file__).parents[3]

ROWS = (
    VariantRow("base", "nothing", "", "d", ()),
    VariantRow("good", "something good", "base", "d", ()),
    VariantRow("other", "another family", "base", "d", ("contact_loss",)),
    VariantRow("absent", "never run", "base", "d", ()),
)


def run(variant, seed, error, f1, loss=0.2):
    figures = {"vertex_error_mm": error, "hand_f1": f1, "contact_loss": loss, "train_cpu_s": 100.4}
    return RunResult(variant, "d", seed, figures, "one machine", "abc")


RESULTS = AblationResults(
    ("A run: few steps.",),
    "the command",
    61.4,
    ROWS,
    (
        run("base", 0, 10.0, 0.5),
        run("base", 1, 20.0, 0.5),
        run("base", 2, 30.0, 0.5),
        run("good", 0, 9.0, 0.4),
        run("good", 1, 18.9, 0.5),
        run("good", 2, 28.8, 0.6),
        run("other", 0, 12.0, 0.5),
    ),
)


def cells(page, section, variant):
    text = page.split(f"## {section}")[1].split("\n## ")[0]
    line = next(line for line in text.splitlines() if line.startswith(f"| `{variant}`"))
    return [cell.strip() for cell in line.strip("|").split(" | ")]


def test_figures_by_hand():
    page = ablation_page(RESULTS)
    # 10, 20, 30: mean 20, deviation 10, half width 4.303 * 10 / sqrt(3) = 24.84.
    assert cells(page, "Figures", "base")[:5] == ["`base`", "nothing", "3", "20.0 ± 24.8", "0.500 ± 0.000"]
    assert cells(page, "Figures", "other")[2:4] == ["1", "12.0"]
    assert "0.200 (n/c)" in cells(page, "Figures", "other")


def test_differences_and_what_they_are_called_by_hand():
    page = ablation_page(RESULTS)
    # -1, -1.1, -1.2: half width 0.2484; p = 0.0027 of one decided comparison in its column, which Holm leaves alone.
    good = cells(page, "Differences", "good")
    assert good[:3] == ["`good`", "`base`", "−1.1 ± 0.2: **better***"]
    # -0.1, 0, 0.1: mean 0, half width 0.248.
    assert good[3] == "+0.000 ± 0.248: no difference"
    assert good[4] == "no common seed"
    other = cells(page, "Differences", "other")
    assert other[2] == "+2.0: too few seeds"
    assert "n/c" in other


def test_holm_takes_the_star_away_where_there_are_many_comparisons():
    rows = (*ROWS, *(VariantRow(f"v{number}", "", "base", "d", ()) for number in range(30)))
    runs = [run(f"v{number}", seed, 10.0 * seed + number, 0.5) for number in range(30) for seed in (0, 1)]
    noisy = [dataclasses.replace(r, figures={"vertex_error_mm": r.figures["vertex_error_mm"] + r.seed}) for r in runs]
    page = ablation_page(dataclasses.replace(RESULTS, rows=rows, runs=(*RESULTS.runs, *noisy)))
    assert cells(page, "Differences", "good")[2] == "−1.1 ± 0.2: **better**"


def test_what_never_ran_is_named():
    page = ablation_page(RESULTS)
    assert "- `absent`: never run" in page.split("## Not run yet")[1]
    assert "| `absent`" not in page
    assert "known grasps: 61.4 mm" in page
    assert "Machine: one machine; 7 results." in page
    assert "Training the base took 100 CPU seconds on average." in page


def test_committed_page_is_what_the_committed_results_give():
    page = ROOT / TABLE_FILE
    assert page.exists() == (ROOT / RESULTS_FILE).exists()
    if not page.exists():
        pytest.skip("no results are kept yet")
    assert page.read_text() == ablation_page(read_results(ROOT / RESULTS_FILE))
