"""What a run says: log lines to screen and file, and every number to a CSV file."""

import csv
import logging
import time
from collections.abc import Mapping
from pathlib import Path


class RunLog:
    """Log file `logs/train_<time>.log` with the link `logs/run.log`, and `metrics.csv`.

    Args:
        folder: of the run, `exp/<name>`.
    """

    def __init__(self, folder: Path) -> None:
        logs = folder / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        path = logs / f"train_{time.strftime('%Y%m%d_%H%M%S')}.log"
        self._logger = logging.getLogger(f"funcgrasp.training.{folder}")
        self._logger.setLevel(logging.INFO)
        self._logger.propagate = False
        self._logger.handlers.clear()
        for handler in (logging.FileHandler(path), logging.StreamHandler()):
            handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
            self._logger.addHandler(handler)
        link = logs / "run.log"
        link.unlink(missing_ok=True)
        link.symlink_to(path.name)
        self._metrics = folder / "metrics.csv"

    def say(self, line: str) -> None:
        """One line on the screen and in the log file."""
        self._logger.info(line)

    def record(self, step: int, split: str, values: Mapping[str, float]) -> None:
        """Append values to the CSV file, one row a value: step, split, name, value."""
        is_new = not self._metrics.exists()
        with self._metrics.open("a", newline="") as file:
            writer = csv.writer(file)
            if is_new:
                writer.writerow(("step", "split", "name", "value"))
            writer.writerows((step, split, name, f"{value:.6g}") for name, value in values.items())

    def forget_after(self, step: int) -> None:
        """Remove values beyond a step, when a run goes on from there."""
        if not self._metrics.exists():
            return
        header, *rows = self._metrics.read_text().splitlines(keepends=True)
        kept = [row for row in rows if int(row.split(",")[0]) <= step]
        unfinished = self._metrics.with_suffix(".tmp")
        unfinished.write_text("".join([header, *kept]))
        unfinished.replace(self._metrics)
