"""Draw the curves of a training run: `python -m training.plot_curves exp/compact/metrics.csv --output curves.png`."""

import argparse
from pathlib import Path

import numpy as np

from funcgrasp_core.errors import FuncGraspError, MissingDependencyError
from training.run.metrics_file import Curves, read_curves

PANELS = ("total", "contact", "flow", "mode", "f1", "cpu_seconds")
_SMOOTHING = 25


def plot_curves(curves: Curves, path: Path) -> None:
    """One panel for each of PANELS that was logged; training curves are running means."""
    try:
        import matplotlib
    except ImportError as error:
        raise MissingDependencyError("curves need matplotlib: pip install 'funcgrasp[eval]'") from error
    matplotlib.use("Agg")
    from matplotlib import pyplot

    names = [name for name in PANELS if name in curves]
    figure, panels = pyplot.subplots(1, len(names), figsize=(3.2 * len(names), 2.8), squeeze=False)
    for panel, name in zip(panels[0], names, strict=True):
        for split, points in curves[name].items():
            steps, values = np.array(points).T
            if split == "train" and len(values) > _SMOOTHING:
                values = np.convolve(values, np.ones(_SMOOTHING) / _SMOOTHING, mode="valid")
                steps = steps[_SMOOTHING - 1 :]
            panel.plot(steps, values, label=split, marker="." if split == "val" else None)
        panel.set_title(name)
        panel.set_xlabel("step")
        panel.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=90)


def main(arguments: list[str] | None = None) -> None:
    """Read and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("metrics", type=Path, help="metrics.csv of a run")
    parser.add_argument("--output", type=Path, required=True, help="PNG to write")
    options = parser.parse_args(arguments)
    plot_curves(read_curves(options.metrics), options.output)


if __name__ == "__main__":
    try:
        main()
    except FuncGraspError as error:
        raise SystemExit(f"error: {error}") from error
