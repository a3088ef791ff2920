"""What ablation runs found: one small file for each run, and all of them together in one file for the repository."""

import dataclasses
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from funcgrasp_core.errors import InvalidFileError
from training.ablation.variant import Variant
from training.run.output_files import write_whole_text


@dataclass(frozen=True)
class RunResult:
    """Figures of one variant and seed.

    Attributes:
        variant: its name.
        digest: of everything that decides the figures.
        seed: of the run.
        figures: by the names of MEASURES.
        machine: where it ran, with device and threads.
        commit: of the code; "+" after it where files were changed.
    """

    variant: str
    digest: str
    seed: int
    figures: Mapping[str, float]
    machine: str
    commit: str


@dataclass(frozen=True)
class VariantRow:
    """What tables say about a variant beside its figures; see `Variant`."""

    name: str
    option: str
    compared_with: str
    digest: str
    not_comparable: tuple[str, ...]

    @classmethod
    def of(cls, variant: Variant, digest: str) -> "VariantRow":
        """A row of a variant with this digest."""
        return cls(variant.name, variant.option, variant.compared_with, digest, tuple(variant.not_comparable))


@dataclass(frozen=True)
class AblationResults:
    """Everything that a table is made of.

    Attributes:
        budget: what a run is, as sentences.
        command: that makes the runs.
        known_diversity_mm: of the known grasps, beside which samples' diversity is read.
        rows: variants in the order of the table, with the digests that their results must have.
        runs: results; those with another digest than their row's are not counted.
    """

    budget: tuple[str, ...]
    command: str
    known_diversity_mm: float
    rows: tuple[VariantRow, ...]
    runs: tuple[RunResult, ...]

    def figures(self, variant: str, measure: str) -> dict[int, float]:
        """Values by seed."""
        return {
            run.seed: run.figures[measure] for run in self.runs if run.variant == variant and measure in run.figures
        }


def valid_runs(rows: Iterable[VariantRow], runs: Iterable[RunResult]) -> tuple[RunResult, ...]:
    """The runs that belong to the rows as they are now, one for each variant and seed: of several, the last."""
    rows = tuple(rows)
    order = {row.name: number for number, row in enumerate(rows)}
    digests = {row.name: row.digest for row in rows}
    kept = {(run.variant, run.seed): run for run in runs if digests.get(run.variant) == run.digest}
    return tuple(sorted(kept.values(), key=lambda run: (order[run.variant], run.seed)))


def write_run(path: Path, result: RunResult) -> None:
    """One run's file, whole or not at all."""
    write_whole_text(path, json.dumps(dataclasses.asdict(result), indent=1) + "\n")


def read_runs(folder: Path) -> list[RunResult]:
    """All runs in a folder.

    Raises:
        InvalidFileError: a file is no result of a run.
    """
    return [_run(_read_json(path), path) for path in sorted(folder.glob("*.json"))]


def write_results(path: Path, results: AblationResults) -> None:
    """All results in one file, whole or not at all; a line for each run, so that versions compare well."""
    values = dataclasses.asdict(results)
    head = {name: value for name, value in values.items() if name not in ("rows", "runs")}
    lines = ["{", *(f" {json.dumps(name)}: {json.dumps(value)}," for name, value in head.items())]
    for name in ("rows", "runs"):
        items = ",\n".join(f"  {json.dumps(item)}" for item in values[name])
        lines.append(f' "{name}": [\n{items}\n ]' + ("," if name == "rows" else ""))
    write_whole_text(path, "\n".join([*lines, "}"]) + "\n")


def read_results(path: Path) -> AblationResults:
    """What `write_results` wrote.

    Raises:
        InvalidFileError: it is something else.
    """
    values = _read_json(path)
    try:
        rows = tuple(
            VariantRow(**{**row, "not_comparable": tuple(row["not_comparable"])}) for row in values.pop("rows")
        )
        runs = tuple(_run(run, path) for run in values.pop("runs"))
        return AblationResults(rows=rows, runs=runs, **{**values, "budget": tuple(values["budget"])})
    except (TypeError, KeyError) as error:
        raise InvalidFileError(f"'{path}' holds no ablation results ({error}): restore or delete it") from error


def _run(values: Any, path: Path) -> RunResult:
    try:
        return RunResult(**values)
    except TypeError as error:
        raise InvalidFileError(f"'{path}' holds no result of a run ({error}): delete it") from error


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise InvalidFileError(f"'{path}' cannot be read as JSON ({error}): restore or delete it") from error
