"""In which order an epoch goes through its items, shared out over processes; any position can be returned to."""

import functools
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


@dataclass(frozen=True)
class EpochOrder:
    """Items in another order each epoch; every item has a random stream of its own in each epoch.

    Attributes:
        num_items: in an epoch.
        batch_size: items of a step, over all processes and accumulation steps together.
        seed: of order and streams.
    """

    num_items: int
    batch_size: int
    seed: int

    def __post_init__(self) -> None:
        if self.num_items < 1 or self.batch_size < 1:
            raise ConfigurationError(
                f"an epoch needs at least one item and a batch one, got {self.num_items} and {self.batch_size}"
            )

    @property
    def steps_per_epoch(self) -> int:
        """Full batches; the remainder waits for another epoch's order. Fewer items than a batch are repeated."""
        return max(1, self.num_items // self.batch_size)

    def items(self, step: int) -> list[SeededItem]:
        """What the step with this number, counted from 0 over all epochs, is made of."""
        epoch, position = divmod(step, self.steps_per_epoch)
        order = _permutation(self.num_items, self.seed, epoch)
        places = range(position * self.batch_size, (position + 1) * self.batch_size)
        return [SeededItem(order[place % self.num_items], stream_seed(self.seed, epoch, place)) for place in places]


@functools.lru_cache(maxsize=4)
def _permutation(num_items: int, seed: int, epoch: int) -> list[int]:
    generator = torch.Generator().manual_seed(stream_seed(seed, epoch))
    return torch.randperm(num_items, generator=generator).tolist()
