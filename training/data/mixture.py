"""Which data set, and which of its items, each position of an epoch takes in a weighted mixture.

The answer depends on seed, epoch and position alone: it is the same for any number of processes, and after resuming.
"""

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch

from funcgrasp_core.errors import ConfigurationError
from funcgrasp_core.grasp_model.sample_random import stream_seed

_SLOTS, _ITEMS = 0, 1
"""What a stream is for: the order of data sets in an epoch, or the order of a data set's items."""


@dataclass(frozen=True)
class MixtureItem:
    """What a position takes.

    Attributes:
        dataset: name of the data set.
        index: of its item.
    """

    dataset: str
    index: int


def parse_mixture(text: str) -> dict[str, float]:
    """Names and weights of "oakink:0.7,dexfuncgrasp:0.3"; a name alone has weight 1. Weights add up to 1 afterwards.

    Raises:
        ConfigurationError: the text has another form, or a weight is not a positive number.
    """
    weights: dict[str, float] = {}
    for part in text.split(","):
        name, separator, number = (word.strip() for word in part.partition(":"))
        if not name or name in weights:
            raise ConfigurationError(f"'{text}': expected 'name:weight,name:weight' with each name once")
        try:
            weights[name] = float(number) if separator else 1.0
        except ValueError as error:
            raise ConfigurationError(f"'{text}': the weight of {name} is '{number}', expected a number") from error
    return _normalised(weights)


class Mixture:
    """Data sets with weights, as an endless row of epochs.

    Every epoch gives each data set the same number of positions, its share up to one, in a random order. The items of a
    data set are gone through in a random order; all of them are taken once before any is taken again, also across
    epochs.

    Attributes:
        counts: positions of each data set in every epoch.

    Args:
        sizes: number of items of each data set by name.
        weights: of each data set; they need not add up to 1.
        seed: of all orders.
        epoch_length: positions of an epoch; by default as few as go through every data set at least once.

    Raises:
        ConfigurationError: names do not match, a data set is empty, a weight is not positive, or the epoch is too short
            to give every data set a position.
    """

    def __init__(
        self, sizes: Mapping[str, int], weights: Mapping[str, float], seed: int, epoch_length: int | None = None
    ):
        if set(sizes) != set(weights):
            raise ConfigurationError(
                f"the mixture's weights are for {', '.join(sorted(weights))}, its data sets {', '.join(sorted(sizes))}"
            )
        empty = [name for name, size in sizes.items() if size < 1]
        if empty:
            raise ConfigurationError(f"the mixture cannot take anything from {', '.join(empty)}: it is empty")
        shares = _normalised(weights)
        if epoch_length is None:
            epoch_length = max(math.ceil(sizes[name] / share) for name, share in shares.items())
        # Sorted, so that nothing depends on the order in which data sets are named.
        self.sizes = {name: sizes[name] for name in sorted(sizes)}
        self.shares = {name: shares[name] for name in sorted(shares)}
        self.seed, self.epoch_length = seed, epoch_length
        self.counts = dict(zip(self.sizes, _apportioned(epoch_length, tuple(self.shares.values())), strict=True))
        without = [name for name, count in self.counts.items() if count < 1]
        if without:
            raise ConfigurationError(
                f"an epoch of {epoch_length} positions has none for {', '.join(without)}: make it longer or weigh more"
            )

    def __len__(self) -> int:
        """Positions of an epoch."""
        return self.epoch_length

    def item(self, epoch: int, position: int) -> MixtureItem:
        """What a position of an epoch takes."""
        if not 0 <= position < self.epoch_length or epoch < 0:
            raise ConfigurationError(
                f"epoch {epoch}, position {position}: epochs count from 0, positions below {self.epoch_length}"
            )
        slots, ranks = _epoch_slots(tuple(self.counts.values()), self.seed, epoch)
        number = slots[position]
        name = list(self.sizes)[number]
        cycle, place = divmod(epoch * self.counts[name] + ranks[position], self.sizes[name])
        return MixtureItem(name, _item_order(self.sizes[name], self.seed, number, cycle)[place])


def _normalised(weights: Mapping[str, float]) -> dict[str, float]:
    wrong = {name: weight for name, weight in weights.items() if not (math.isfinite(weight) and weight > 0)}
    if wrong or not weights:
        named = ", ".join(f"{name}: {weight}" for name, weight in wrong.items()) or "nothing"
        raise ConfigurationError(f"weights of a mixture must be positive numbers, got {named}")
    total = math.fsum(weights.values())
    return {name: weight / total for name, weight in weights.items()}


def _apportioned(total: int, shares: tuple[float, ...]) -> list[int]:
    """Whole numbers that add up to `total`, each its share rounded down or up: the largest remainders go up."""
    exact = [total * share for share in shares]
    counts = [math.floor(value) for value in exact]
    by_remainder = sorted(range(len(shares)), key=lambda number: (counts[number] - exact[number], number))
    for number in by_remainder[: total - sum(counts)]:
        counts[number] += 1
    return counts


@functools.lru_cache(maxsize=4)
def _epoch_slots(quotas: tuple[int, ...], seed: int, epoch: int) -> tuple[list[int], list[int]]:
    """For each position the number of its data set, and how many positions before it have the same."""
    owners = torch.repeat_interleave(torch.tensor(quotas))
    slots = owners[_permutation(len(owners), seed, _SLOTS, epoch)].tolist()
    taken = [0] * len(quotas)
    ranks = []
    for owner in slots:
        ranks.append(taken[owner])
        taken[owner] += 1
    return slots, ranks


@functools.lru_cache(maxsize=16)
def _item_order(size: int, seed: int, number: int, cycle: int) -> list[int]:
    return _permutation(size, seed, _ITEMS, number, cycle).tolist()


def _permutation(size: int, *stream: int) -> torch.Tensor:
    return torch.randperm(size, generator=torch.Generator().manual_seed(stream_seed(*stream)))
