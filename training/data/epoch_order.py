"""In which order an epoch goes through its items, shared out over processes; any position can be returned to."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from funcgrasp_core.errors import ConfigurationError
from funcgrasp_core.grasp_model.sample_random import stream_seed


@dataclass(frozen=True)
class SeededItem:
    """One item of a step.

    Attributes:
        index: into the items.
        seed: of everything that is random about it in this epoch.
    """

    index: int
    seed: int


class EpochOrder:
    """Items in another order each epoch; every place of an epoch has a random stream of its own.

    Attributes:
        num_items: of an epoch.
        steps_per_epoch: full batches; the remainder waits for another epoch's order, and fewer items than a batch are
            repeated.

    Args:
        epoch_items: gives the items of an epoch for a seed, always as many, in an order that does not matter.
        batch_size: items of a step, over all processes and accumulation steps together.
        seed: of order and streams.

    Raises:
        ConfigurationError: there is no item, or a batch has none.
    """

    def __init__(self, epoch_items: Callable[[int, int], Sequence[int]], batch_size: int, seed: int) -> None:
        self._epoch_items, self._batch_size, self._seed = epoch_items, batch_size, seed
        self.num_items = len(epoch_items(0, seed))
        if self.num_items < 1 or batch_size < 1:
            raise ConfigurationError(
                f"an epoch needs at least one item and a batch one, got {self.num_items} and {batch_size}"
            )
        self.steps_per_epoch = max(1, self.num_items // batch_size)
        self._newest = 0, self._shuffled(0)

    def items(self, step: int) -> list[SeededItem]:
        """What the step with this number, counted from 0 over all epochs, is made of."""
        epoch, position = divmod(step, self.steps_per_epoch)
        order = self._in_order(epoch)
        places = range(position * self._batch_size, (position + 1) * self._batch_size)
        return [SeededItem(order[place % self.num_items], stream_seed(self._seed, epoch, place)) for place in places]

    def _in_order(self, epoch: int) -> list[int]:
        newest, order = self._newest
        if newest != epoch:
            order = self._shuffled(epoch)
            self._newest = epoch, order
        return order

    def _shuffled(self, epoch: int) -> list[int]:
        items = self._epoch_items(epoch, self._seed)
        generator = torch.Generator().manual_seed(stream_seed(self._seed, epoch))
        return [items[place] for place in torch.randperm(len(items), generator=generator).tolist()]
