"""Two implementations of one thing, timed in turns in one process, and where that happened.

A row counts only if the outputs agree: a faster function that computes something else is no comparison.
"""

import json
import os
import platform
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

WARM_UP_CALLS = 5
LEAST_CALLS = 100


@dataclass(frozen=True)
class SideBySide:
    """Milliseconds of both implementations, and their ratio.

    Attributes:
        name: what was computed, with its sizes.
        ours_ms: p50, p95 and p99.
        straightforward_ms: likewise.
        speed_up: p50 of the straightforward one by ours.
        outputs_agree: whether both computed the same.
        num_calls: of each.
    """

    name: str
    ours_ms: Mapping[str, float]
    straightforward_ms: Mapping[str, float]
    speed_up: float
    outputs_agree: bool
    num_calls: int


def compare(
    name: str,
    ours: Callable[[], object],
    straightforward: Callable[[], object],
    outputs_agree: bool,
    device: torch.device,
    num_calls: int = LEAST_CALLS,
    num_warm_up_calls: int = WARM_UP_CALLS,
) -> SideBySide:
    """Time both in turns (A B A B ...), so that a change of the machine's speed meets both alike.

    Args:
        name: of the row.
        ours: the implementation in use.
        straightforward: what one would write first.
        outputs_agree: what a comparison of their outputs said.
        device: waited for after every call.
        num_calls: of each, after a warm-up.
        num_warm_up_calls: of each.
    """
    for _ in range(num_warm_up_calls):
        ours()
        straightforward()
    seconds: dict[str, list[float]] = {"ours": [], "straightforward": []}
    for _ in range(num_calls):
        seconds["ours"].append(_seconds(ours, device))
        seconds["straightforward"].append(_seconds(straightforward, device))
    percentiles = {side: percentiles_ms(values) for side, values in seconds.items()}
    return SideBySide(
        name,
        percentiles["ours"],
        percentiles["straightforward"],
        percentiles["straightforward"]["p50"] / percentiles["ours"]["p50"],
        outputs_agree,
        num_calls,
    )


def machine_facts() -> dict[str, str | int]:
    """Where and with what a figure was measured."""
    facts: dict[str, str | int] = {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "platform": platform.platform(),
        "processor": _processor_name(),
        "cores": len(os.sched_getaffinity(0)),
        "threads": torch.get_num_threads(),
        "commit": _commit(),
    }
    if torch.cuda.is_available():
        facts["gpu"] = torch.cuda.get_device_name()
        facts["cuda"] = str(torch.version.cuda)
    return facts


def report(rows: Sequence[SideBySide], json_file: Path | None) -> None:
    """Print the rows; write them with the machine's facts if a file is named."""
    for row in rows:
        agreement = "" if row.outputs_agree else "   OUTPUTS DIFFER: does not count"
        ours, straightforward = row.ours_ms["p50"], row.straightforward_ms["p50"]
        print(f"{row.name:42s} ours {ours:8.3f} ms   plain {straightforward:8.3f} ms   x{row.speed_up:.2f}{agreement}")
    if json_file is not None:
        json_file.parent.mkdir(parents=True, exist_ok=True)
        content = {"machine": machine_facts(), "rows": [asdict(row) for row in rows]}
        json_file.write_text(json.dumps(content, indent=1) + "\n")


def _seconds(function: Callable[[], object], device: torch.device) -> float:
    _wait_for(device)
    start = time.perf_counter()
    function()
    _wait_for(device)
    return time.perf_counter() - start


def _wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def percentiles_ms(seconds: Sequence[float]) -> dict[str, float]:
    """p50, p95 and p99 of seconds, in milliseconds."""
    return {f"p{level}": round(float(np.percentile(seconds, level)) * 1e3, 4) for level in (50, 95, 99)}


def _processor_name() -> str:
    information = Path("/proc/cpuinfo")
    if information.is_file():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or "unknown"


def _commit() -> str:
    """What git says; where there is no history, the environment variable FUNCGRASP_COMMIT."""
    root = Path(__file__).resolve().parent
    result = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=root, capture_output=True, text=True, check=False
    )
    return os.environ.get("FUNCGRASP_COMMIT") or result.stdout.strip() or "unknown"
