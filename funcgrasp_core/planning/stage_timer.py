"""Seconds spent in the named stages of one piece of work."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch


class StageTimer:
    """Measures stages of work on one device.

    It waits for a GPU at the end of each stage, so that the GPU's time is counted where it was spent.
    """

    def __init__(self, device: torch.device):
        self._device = device
        self._start_s = time.perf_counter()
        self._seconds: dict[str, float] = {}

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Adds the time spent inside the `with` block to stage `name`."""
        start_s = time.perf_counter()
        yield
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        self._seconds[name] = self._seconds.get(name, 0.0) + time.perf_counter() - start_s

    def timings(self) -> dict[str, float]:
        """Seconds by stage so far, and `total` since the timer was made."""
        return {**self._seconds, "total": time.perf_counter() - self._start_s}
