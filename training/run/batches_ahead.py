"""Batches that are drawn beside the computation, so that a fast device does not wait for them."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from training.data.observation_store import ObservationBatch


class BatchesAhead:
    """Draws the batches of the next step in a thread while the current step computes.

    Which batches a step gets does not depend on it, since every item has a random stream of its own.

    Args:
        draw: gives the batches of a step; may be called from two threads at once.
        num_steps: nothing is drawn ahead for steps from this number on; 0 draws nothing ahead at all.
    """

    def __init__(self, draw: Callable[[int], list[ObservationBatch]], num_steps: int) -> None:
        self._draw, self._num_steps = draw, num_steps
        self._worker = ThreadPoolExecutor(1, "batches_ahead")
        self._next: tuple[int, Future[list[ObservationBatch]]] | None = None

    def of(self, step: int) -> list[ObservationBatch]:
        """The batches of any step; at once if the step before it was asked for last.

        Raises:
            Exception: what `draw` raised for this step.
        """
        ahead, self._next = self._next, None
        batches = ahead[1].result() if ahead is not None and ahead[0] == step else self._draw(step)
        if step + 1 < self._num_steps:
            self._next = step + 1, self._worker.submit(self._draw, step + 1)
        return batches
