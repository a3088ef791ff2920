"""What a run says: log lines to screen and file, and every number to a CSV file and to TensorBoard."""

import csv
import logging
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tqdm import tqdm

from training.run.metrics_file import Curves, read_curves
from training.run.output_files import write_whole_text


class RunLog:
    """Log file `logs/train_<time>.log` with the link `logs/run.log`, `metrics.csv`, and `tensorboard/` if installed.

    Args:
        folder: of the run, `exp/<name>`.
        is_silent: says and writes nothing, as all processes but the first.
    """

    def __init__(self, folder: Path, is_silent: bool = False) -> None:
        self.folder = folder
        self._is_silent = is_silent
        self._logger = logging.getLogger(f"funcgrasp.training.{folder}")
        self._logger.propagate = False
        self._metrics = folder / "metrics.csv"
        self._writer: Any = None
        self._close_handlers()
        if is_silent:
            self._logger.addHandler(logging.NullHandler())
            return
        logs = folder / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        path = logs / f"train_{time.strftime('%Y%m%d_%H%M%S')}.log"
        self._logger.setLevel(logging.INFO)
        for handler in (logging.FileHandler(path), _BesideProgressBar()):
            handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
            self._logger.addHandler(handler)
        link = logs / "run.log"
        link.unlink(missing_ok=True)
        link.symlink_to(path.name)

    def say(self, line: str) -> None:
        """One line on the screen and in the log file."""
        self._logger.info(line)

    def record(self, step: int, split: str, values: Mapping[str, float]) -> None:
        """Add values to `metrics.csv`, one row a value (step, split, name, value), and to TensorBoard."""
        if self._is_silent:
            return
        is_new = not self._has_metrics()
        with self._metrics.open("w" if is_new else "a", newline="") as file:
            writer = csv.writer(file)
            if is_new:
                writer.writerow(("step", "split", "name", "value"))
            writer.writerows((step, split, name, f"{value:.6g}") for name, value in values.items())
        if self._writer is not None:
            for name, value in values.items():
                self._writer.add_scalar(f"{split}/{name}", value, step)

    def curves(self) -> Curves:
        """All that was recorded; nothing if the run ended before there was anything."""
        return read_curves(self._metrics) if self._has_metrics() else {}

    def go_on_from(self, step: int) -> None:
        """Begin at this step: what was recorded beyond it will be recorded again, so it is removed."""
        if self._is_silent:
            return
        if self._has_metrics():
            header, *rows = self._metrics.read_text().splitlines(keepends=True)
            kept = [row for row in rows if row.endswith("\n") and int(row.split(",")[0]) <= step]
            write_whole_text(self._metrics, "".join([header, *kept]))
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            self.say("no TensorBoard curves: pip install 'funcgrasp[train]' for them; metrics.csv has every number")
            return
        self._writer = SummaryWriter(str(self.folder / "tensorboard"), purge_step=step + 1)

    def _has_metrics(self) -> bool:
        """Whether the file was begun; one that was cut off within its first line counts as none."""
        if not self._metrics.exists():
            return False
        with self._metrics.open() as file:
            return file.readline().endswith("\n")

    def flush(self) -> None:
        """Have everything that was recorded on its way to the disk."""
        if self._writer is not None:
            self._writer.flush()

    def close(self) -> None:
        """No more lines and numbers."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        self._close_handlers()

    def _close_handlers(self) -> None:
        for handler in self._logger.handlers:
            handler.close()
        self._logger.handlers.clear()


class _BesideProgressBar(logging.Handler):
    """Writes lines to the screen above a progress bar."""

    def emit(self, record: logging.LogRecord) -> None:
        tqdm.write(self.format(record))
