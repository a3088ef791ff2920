"""`metrics.csv`, where a run keeps every number: one row a value, with its step, split and name."""

import csv
from collections import defaultdict
from pathlib import Path

from funcgrasp_core.errors import InvalidFileError

Curves = dict[str, dict[str, list[tuple[int, float]]]]
"""Value's name -> split -> (step, value) in the order they were logged."""


def read_curves(path: Path) -> Curves:
    """Curves of a `metrics.csv`.

    Raises:
        InvalidFileError: the file is missing or has other columns.
    """
    curves: Curves = defaultdict(lambda: defaultdict(list))
    try:
        with path.open(newline="") as file:
            for row in csv.DictReader(file):
                curves[row["name"]][row["split"]].append((int(row["step"]), float(row["value"])))
    except (OSError, KeyError, ValueError) as error:
        raise InvalidFileError(f"'{path}' is not the metrics.csv of a training run: {error}") from error
    return curves
