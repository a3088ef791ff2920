"""What a few seeds say: means with their intervals, differences between runs of the same seeds, and what to call them.

Seeds are the unit: a run of a seed gives one number, its mean over the validation cases. Runs of the same seed start
from the same random stream and see the same order of data, so differences are taken seed by seed.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import stats

from funcgrasp_core.errors import ConfigurationError

CONFIDENCE = 0.95

Verdict = Literal["better", "worse", "no difference", "too few seeds"]


@dataclass(frozen=True)
class Estimate:
    """A mean with the half width of its interval.

    Attributes:
        mean: of the values.
        half_width: of the interval at CONFIDENCE by Student's t; infinite for a single value.
        count: how many values.
    """

    mean: float
    half_width: float
    count: int

    @property
    def excludes_zero(self) -> bool:
        """Whether zero lies outside the interval."""
        return abs(self.mean) > self.half_width


@dataclass(frozen=True)
class Comparison:
    """A variant with its base, over the seeds that both have.

    Attributes:
        difference: variant minus base.
        p_value: two-sided, of the paired t test; 1 where it cannot be made.
    """

    difference: Estimate
    p_value: float


def mean_interval(values: Sequence[float]) -> Estimate:
    """Mean and interval of independent values.

    Raises:
        ConfigurationError: there is no value.
    """
    if len(values) == 0:
        raise ConfigurationError("an interval needs at least one value: run at least one seed")
    numbers = np.asarray(values, dtype=float)
    count = len(numbers)
    if count == 1:
        return Estimate(float(numbers[0]), math.inf, 1)
    standard_error = float(numbers.std(ddof=1)) / math.sqrt(count)
    quantile = float(stats.t.ppf((1 + CONFIDENCE) / 2, count - 1))
    return Estimate(float(numbers.mean()), quantile * standard_error, count)


def compare_paired(variant: Mapping[int, float], base: Mapping[int, float]) -> Comparison | None:
    """Differences of the seeds that both have; None if they share none.

    Args:
        variant: value by seed.
        base: value by seed.
    """
    seeds = sorted(variant.keys() & base.keys())
    if not seeds:
        return None
    difference = mean_interval([variant[seed] - base[seed] for seed in seeds])
    return Comparison(difference, _p_value(difference))


def holm_adjusted(p_values: Sequence[float]) -> list[float]:
    """p-values that may each be compared with 1 - CONFIDENCE although there are many of them.

    Holm, "A Simple Sequentially Rejective Multiple Test Procedure", 1979: the chance of calling any true null
    hypothesis a difference stays below the level, whatever the dependence between the tests.
    """
    order = np.argsort(p_values, kind="stable")
    adjusted, largest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = largest
    return adjusted


def verdict(comparison: Comparison | None, lower_is_better: bool) -> Verdict:
    """What the interval of the difference says by itself, before any correction for many comparisons."""
    if comparison is None or comparison.difference.count < 2:
        return "too few seeds"
    difference = comparison.difference
    if not difference.excludes_zero:
        return "no difference"
    return "better" if (difference.mean < 0) == lower_is_better else "worse"


def _p_value(difference: Estimate) -> float:
    if difference.count < 2:
        return 1.0
    quantile = float(stats.t.ppf((1 + CONFIDENCE) / 2, difference.count - 1))
    standard_error = difference.half_width / quantile
    if standard_error == 0:
        return 1.0 if difference.mean == 0 else 0.0
    return float(2 * stats.t.sf(abs(difference.mean) / standard_error, difference.count - 1))
