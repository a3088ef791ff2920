import dataclasses
import itertools
import math

import pytest

from funcgrasp_core.errors import ConfigurationError
from training.losses.loss_config import LossConfig, SpatialConsistencyConfig, TauAnnealing

ANNEALED = LossConfig(soft_target_tau_m=0.01, tau_annealing=TauAnnealing(initial_tau_m=0.04, share=0.5))


@pytest.mark.parametrize(
    ("progress", "tau"), [(0.0, 0.04), (0.125, 0.01 * 4**0.75), (0.25, 0.02), (0.5, 0.01), (0.8, 0.01), (1.0, 0.01)]
)
def test_tau_by_hand(progress, tau):
    assert ANNEALED.tau_at(progress) == pytest.approx(tau, rel=1e-12)


def test_equal_shares_divide_tau_by_equal_factors():
    taus = [ANNEALED.tau_at(0.05 * step) for step in range(11)]
    ratios = [after / before for before, after in itertools.pairwise(taus)]
    assert ratios == pytest.approx([math.exp(-math.log(4) / 10)] * 10)


def test_tau_is_continuous_where_annealing_ends_and_may_rise_too():
    assert ANNEALED.tau_at(0.5 - 1e-9) == pytest.approx(0.01, rel=1e-6)
    rising = dataclasses.replace(ANNEALED, tau_annealing=TauAnnealing(initial_tau_m=0.0025, share=1.0))
    assert rising.tau_at(0.5) == pytest.approx(0.005)


def test_without_annealing_tau_stays():
    assert {LossConfig().tau_at(progress) for progress in (0.0, 0.3, 1.0)} == {0.01}


@pytest.mark.parametrize(
    ("kind", "values", "message"),
    [
        (LossConfig, {"soft_target_tau_m": 0.0}, "soft_target_tau_m must be positive"),
        (LossConfig, {"no_contact_weight": 0.0}, "no_contact_weight must be above 0"),
        (LossConfig, {"focal_gamma": 0.5}, "focal_gamma must be 0 or at least 1"),
        (LossConfig, {"focal_gamma": -1.0}, "focal_gamma must be 0 or at least 1"),
        (LossConfig, {"mode_weight": -1.0}, "mode_weight must not be negative"),
        (TauAnnealing, {"initial_tau_m": -0.01}, "initial_tau_m must be positive"),
        (TauAnnealing, {"share": 0.0}, "share must be above 0"),
        (TauAnnealing, {"share": 1.5}, "share must be above 0"),
        (SpatialConsistencyConfig, {"weight": 0.0}, "weight must be positive"),
        (SpatialConsistencyConfig, {"num_neighbours": 0}, "num_neighbours must be positive"),
        (SpatialConsistencyConfig, {"agreement": 0.01}, "agreement must be at least"),
    ],
)
def test_bad_values_are_refused(kind, values, message):
    with pytest.raises(ConfigurationError, match=message):
        kind(**values)
