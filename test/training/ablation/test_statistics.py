import math

import pytest

from funcgrasp_core.errors import ConfigurationError
from training.ablation.statistics import Comparison, Estimate, compare_paired, holm_adjusted, mean_interval, verdict

# Student's t at 97.5 % from a printed table: 2 degrees of freedom 4.303, 3 degrees 3.182.


def test_interval_of_three_values_by_hand():
    # 1, 2, 3: standard deviation 1, standard error 1 / sqrt(3) = 0.57735, half width 4.303 * 0.57735 = 2.484.
    estimate = mean_interval([1.0, 2.0, 3.0])
    assert (estimate.mean, estimate.count) == (2.0, 3)
    assert estimate.half_width == pytest.approx(2.484, abs=1e-3)
    assert not estimate.excludes_zero


def test_interval_of_four_values_by_hand():
    # 10, 10, 12, 12: variance 4/3, standard error sqrt(1/3) = 0.57735, half width 3.182 * 0.57735 = 1.837.
    estimate = mean_interval([10.0, 12.0, 10.0, 12.0])
    assert estimate.mean == 11.0
    assert estimate.half_width == pytest.approx(1.837, abs=1e-3)
    assert estimate.excludes_zero


def test_one_value_has_no_interval_and_none_is_refused():
    assert mean_interval([4.0]) == Estimate(4.0, math.inf, 1)
    assert not mean_interval([4.0]).excludes_zero
    with pytest.raises(ConfigurationError, match="at least one seed"):
        mean_interval([])


def test_pairing_removes_what_seeds_have_in_common():
    # Seeds differ by 10, the variant is 1 to 1.2 lower everywhere: unpaired nothing, paired a clear difference.
    base = {0: 10.0, 1: 20.0, 2: 30.0}
    variant = {0: 9.0, 1: 18.9, 2: 28.8, 7: 500.0}
    comparison = compare_paired(variant, base)
    assert comparison is not None
    # Differences -1, -1.1, -1.2: mean -1.1, deviation 0.1, half width 4.303 * 0.1 / sqrt(3) = 0.2484.
    assert comparison.difference.mean == pytest.approx(-1.1)
    assert comparison.difference.half_width == pytest.approx(0.2484, abs=1e-4)
    assert comparison.difference.count == 3
    # t = -1.1 / 0.057735 = -19.05; with 2 degrees of freedom p = 1 - t / sqrt(t^2 + 2) = 0.002743.
    assert comparison.p_value == pytest.approx(1 - 19.0526 / math.sqrt(19.0526**2 + 2), rel=1e-4)
    assert verdict(comparison, lower_is_better=True) == "better"
    assert verdict(comparison, lower_is_better=False) == "worse"
    assert not mean_interval([-1.0, 8.9, 18.8]).excludes_zero


def test_no_shared_seed_is_no_comparison():
    assert compare_paired({0: 1.0}, {1: 1.0}) is None
    assert verdict(None, lower_is_better=True) == "too few seeds"


def test_one_shared_seed_decides_nothing():
    assert verdict(compare_paired({0: 1.0}, {0: 9.0}), lower_is_better=True) == "too few seeds"


def test_equal_runs_do_not_differ_and_a_constant_shift_does():
    values = {0: 1.0, 1: 2.0, 2: 4.0}
    same = compare_paired(values, values)
    assert same == Comparison(Estimate(0.0, 0.0, 3), 1.0)
    assert verdict(same, lower_is_better=True) == "no difference"
    shifted = compare_paired({seed: value + 1 for seed, value in values.items()}, values)
    assert shifted is not None
    assert shifted.p_value == 0.0
    assert verdict(shifted, lower_is_better=True) == "worse"


def test_holm_by_hand():
    # Ordered 0.01, 0.02, 0.03, 0.04 times 4, 3, 2, 1 = 0.04, 0.06, 0.06, 0.04; made monotone: 0.04, 0.06, 0.06, 0.06.
    assert holm_adjusted([0.04, 0.01, 0.03, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm_adjusted([0.9, 0.6]) == [1.0, 1.0]
    assert holm_adjusted([]) == []
