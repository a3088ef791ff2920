"""The results of an ablation as a page of Markdown, made from the results file alone."""

import math
from collections.abc import Mapping, Sequence

from training.ablation.measures import MEASURES, Measure
from training.ablation.results import AblationResults, VariantRow
from training.ablation.statistics import (
    CONFIDENCE,
    Comparison,
    Estimate,
    compare_paired,
    holm_adjusted,
    mean_interval,
    verdict,
)
from training.markdown import bulleted, markdown_table

COMPARED = ("vertex_error_mm", "hand_f1", "map_f1", "missed_mm", "contact_loss", "flow_loss")
"""Measures that differences are taken of: those with a better and a worse."""

_DECIMALS = {"mm": 1, "": 3, "CPU s": 0, "ms": 2}
_SURVIVES = "*"


def ablation_page(results: AblationResults) -> str:
    """The whole page."""
    present = [row for row in results.rows if any(run.variant == row.name for run in results.runs)]
    absent = [row for row in results.rows if row not in present]
    parts = [
        "# Ablations",
        "One option at a time, on a small training that every variant shares. This page is made by "
        "`python -m training.ablate --table`; change nothing here by hand.",
        bulleted(
            [*results.budget, f"Command: `{results.command}`.", *_machines(results)],
        ),
        "## What is measured",
        "Every validation object at a random turn about the vertical, once for each of its intents; the same turns, "
        "sentences and noise for every model. No physics, no ranking of candidates: what is judged are the samples "
        "themselves.",
        bulleted([_explain(measure, results) for measure in MEASURES]),
        "All figures of samples can be compared between all variants, but for those marked n/c (not comparable) "
        "below; the two losses only between variants whose losses mean the same, and n/c stands where they do not.",
        "## Figures",
        f"Mean over seeds, with its {CONFIDENCE:.0%} interval by Student's t.",
        _figures_table(results, present),
        "## Differences",
        "Variant minus what it is compared with, seed by seed, with the interval of the mean difference. *Better* and "
        "*worse* mean that this interval excludes zero, *no difference* that it does not: with so few seeds that is "
        "no proof of equality, and the half width says how large a difference would have been seen. "
        f"{_SURVIVES} stands where the difference also survives Holm's correction for all comparisons of its column.",
        _differences_table(results, present),
    ]
    if absent:
        parts += ["## Not run yet", bulleted([f"`{row.name}`: {row.option}" for row in absent])]
    return "\n\n".join(parts) + "\n"


def _figures_table(results: AblationResults, rows: Sequence[VariantRow]) -> str:
    header = ["variant", "what it changes", "seeds", *(_title(measure) for measure in MEASURES)]
    lines = []
    for row in rows:
        cells = []
        for measure in MEASURES:
            values = results.figures(row.name, measure.name)
            is_other = measure.name in row.not_comparable
            cells.append(_mean(values, measure) + (" (n/c)" if is_other and values else ""))
        seeds = len({run.seed for run in results.runs if run.variant == row.name})
        lines.append([f"`{row.name}`", row.option, str(seeds), *cells])
    return markdown_table(header, lines, num_texts=2)


def _differences_table(results: AblationResults, rows: Sequence[VariantRow]) -> str:
    measures = [measure for measure in MEASURES if measure.name in COMPARED]
    compared = [row for row in rows if row.compared_with]
    columns = [_differences(results, compared, measure) for measure in measures]
    header = ["variant", "compared with", *(_title(measure) for measure in measures)]
    lines = [
        [f"`{row.name}`", f"`{row.compared_with}`", *(column[number] for column in columns)]
        for number, row in enumerate(compared)
    ]
    return markdown_table(header, lines, num_texts=len(header))


def _differences(results: AblationResults, rows: Sequence[VariantRow], measure: Measure) -> list[str]:
    """One column's cells."""
    assert measure.lower_is_better is not None  # COMPARED names no other
    comparisons = [
        None
        if measure.name in row.not_comparable
        else compare_paired(results.figures(row.name, measure.name), results.figures(row.compared_with, measure.name))
        for row in rows
    ]
    decided = [c for c in comparisons if c is not None and c.difference.count > 1]
    adjusted = dict(zip(map(id, decided), holm_adjusted([c.p_value for c in decided]), strict=True))
    return [
        "n/c" if measure.name in row.not_comparable else _difference(c, adjusted.get(id(c), 1.0), measure)
        for row, c in zip(rows, comparisons, strict=True)
    ]


def _difference(comparison: Comparison | None, adjusted: float, measure: Measure) -> str:
    if comparison is None:
        return "no common seed"
    decimals, difference = _DECIMALS[measure.unit], comparison.difference
    number = f"{difference.mean:+.{decimals}f}".replace("-", "−")
    if math.isfinite(difference.half_width):
        number += f" ± {difference.half_width:.{decimals}f}"
    word = verdict(comparison, bool(measure.lower_is_better))
    mark = _SURVIVES if word in ("better", "worse") and adjusted < 1 - CONFIDENCE else ""
    return f"{number}: {f'**{word}**' if word in ('better', 'worse') else word}{mark}"


def _mean(values: Mapping[int, float], measure: Measure) -> str:
    if not values:
        return ""
    estimate: Estimate = mean_interval(list(values.values()))
    decimals = _DECIMALS[measure.unit]
    text = f"{estimate.mean:.{decimals}f}"
    return text + (f" ± {estimate.half_width:.{decimals}f}" if math.isfinite(estimate.half_width) else "")


def _title(measure: Measure) -> str:
    return measure.title + (f" ({measure.unit})" if measure.unit else "")


def _explain(measure: Measure, results: AblationResults) -> str:
    sense = {True: "lower is better", False: "higher is better", None: "neither high nor low is better"}
    text = f"**{_title(measure)}**: {measure.explanation}; {sense[measure.lower_is_better]}"
    if measure.name == "diversity_mm":
        text += f" (known grasps: {results.known_diversity_mm:.1f} mm)"
    return text + "."


def _machines(results: AblationResults) -> list[str]:
    machines: dict[str, int] = {}
    for run in results.runs:
        machines[run.machine] = machines.get(run.machine, 0) + 1
    commits = sorted({run.commit for run in results.runs})
    lines = [f"Machine: {machine}; {count} result{'s' * (count > 1)}." for machine, count in machines.items()]
    seconds = list(results.figures("base", "train_cpu_s").values())
    if seconds:
        lines.append(f"Training the base took {sum(seconds) / len(seconds):.0f} CPU seconds on average.")
    return [*lines, f"Code: commit{'s' * (len(commits) > 1)} {', '.join(commits)}."] if commits else lines
