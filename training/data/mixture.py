"""Which items of several data sets an epoch of a weighted mixture goes through.

The answer depends on seed and epoch alone: it is the same for any number of processes, and after resuming.
"""

import functools
import math
from dataclasses import dataclass

import torch

from funcgrasp_core.errors import ConfigurationError
from funcgrasp_core.grasp_model.sample_random import stream_seed


@dataclass(frozen=True)
class Mixture:
    """Data sets with weights, as an endless row of epochs.

    Every epoch gives each data set the same number of items, its share up to one; it is as short as goes through every
    data set at least once. The items of a data set are taken in a random order, all of them once before any is taken
    again, also across epochs.

    Attributes:
        sizes: number of items of each data set.
        weights: of each data set; they need not add up to 1.

    Raises:
        ConfigurationError: numbers do not match, a data set is empty, or a weight is not a positive number.
    """

    sizes: tuple[int, ...]
    weights: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.sizes or len(self.sizes) != len(self.weights):
            raise ConfigurationError(
                f"a mixture needs one weight for each data set, got {len(self.weights)} for {len(self.sizes)}"
            )
        if min(self.sizes) < 1:
            raise ConfigurationError(f"a mixture cannot take anything from an empty data set, sizes are {self.sizes}")
        if not all(math.isfinite(weight) and weight > 0 for weight in self.weights):
            raise ConfigurationError(f"weights of a mixture must be positive numbers, got {self.weights}")

    @functools.cached_property
    def counts(self) -> tuple[int, ...]:
        """How many items of each data set an epoch has."""
        total = math.fsum(self.weights)
        shares = [weight / total for weight in self.weights]
        length = max(math.ceil(size / share) for size, share in zip(self.sizes, shares, strict=True))
        return _apportioned(length, shares)

    def epoch_items(self, epoch: int, seed: int) -> list[int]:
        """The items of an epoch by data set, numbered through over all data sets in a row."""
        items, first = [], 0
        for number, (size, count) in enumerate(zip(self.sizes, self.counts, strict=True)):
            for position in range(epoch * count, (epoch + 1) * count):
                cycle, place = divmod(position, size)
                items.append(first + _item_order(size, seed, number, cycle)[place])
            first += size
        return items


def _apportioned(total: int, shares: list[float]) -> tuple[int, ...]:
    """Whole numbers that add up to `total`, each its share rounded down or up: the largest remainders go up."""
    exact = [total * share for share in shares]
    counts = [math.floor(value) for value in exact]
    by_remainder = sorted(range(len(shares)), key=lambda number: (counts[number] - exact[number], number))
    for number in by_remainder[: total - sum(counts)]:
        counts[number] += 1
    return tuple(counts)


@functools.lru_cache(maxsize=16)
def _item_order(size: int, seed: int, number: int, cycle: int) -> list[int]:
    generator = torch.Generator().manual_seed(stream_seed(seed, number, cycle))
    return torch.randperm(size, generator=generator).tolist()
