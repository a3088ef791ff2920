"""Random numbers for a batch in which every sample has a stream of its own.

What a sample is given depends on its seed alone: not on the batch that it is in, nor on the number of processes that
share the batch, nor on the device, since everything is drawn on the CPU.
"""

import hashlib
from collections.abc import Sequence

import torch
from torch import Tensor


def stream_seed(*numbers: int) -> int:
    """A seed of 63 bits for a stream that several numbers name, such as (run's seed, epoch, position)."""
    digest = hashlib.blake2b(repr(numbers).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little") >> 1


class SampleRandom:
    """B independent streams.

    Args:
        seeds: B of them, see `stream_seed`.
    """

    def __init__(self, seeds: Sequence[int]) -> None:
        self._generators = [torch.Generator().manual_seed(seed) for seed in seeds]

    def __len__(self) -> int:
        return len(self._generators)

    def normal(self, *shape: int, like: Tensor | None = None) -> Tensor:
        """[B, *shape] standard normal numbers, of the device and type of `like`."""
        return self._stack([torch.randn(shape, generator=g, dtype=_type_of(like)) for g in self._generators], like)

    def uniform(self, *shape: int, like: Tensor | None = None) -> Tensor:
        """[B, *shape] numbers in [0, 1), of the device and type of `like`."""
        return self._stack([torch.rand(shape, generator=g, dtype=_type_of(like)) for g in self._generators], like)

    def integers(self, high: int | Sequence[int], *shape: int) -> Tensor:
        """[B, *shape] long, each below `high`, which may be given for each sample."""
        highs = [high] * len(self) if isinstance(high, int) else high
        pairs = zip(highs, self._generators, strict=True)
        return torch.stack([torch.randint(bound, shape, generator=g) for bound, g in pairs])

    def of_samples(self, indices: Sequence[int]) -> "SampleRandom":
        """The streams of some of the samples; numbers drawn from them are gone from these, too."""
        chosen = SampleRandom([])
        chosen._generators = [self._generators[index] for index in indices]
        return chosen

    @staticmethod
    def _stack(rows: list[Tensor], like: Tensor | None) -> Tensor:
        stacked = torch.stack(rows)
        return stacked if like is None else stacked.to(like.device)


def _type_of(like: Tensor | None) -> torch.dtype:
    # Half-precision numbers are drawn by another routine, which would give another stream.
    if like is None or like.dtype in (torch.bfloat16, torch.float16):
        return torch.float32
    return like.dtype
