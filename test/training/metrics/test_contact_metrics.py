"""Contact metrics of training against values worked by hand."""

import math

import pytest
import torch

from training.metrics.contact_metrics import compute_contact_metrics


def probabilities_of(*distances_m, tau=0.01):
    return torch.exp(-torch.tensor(distances_m) / tau)


FAR = 0.03


def test_metrics_by_hand():
    """Found 3, true 3, common 2; labels right in 3 of 5 points."""
    touch = {
        None: [FAR] * 6,
        1: [0.002, FAR, FAR, FAR, FAR, FAR],
        2: [FAR, 0.002, FAR, FAR, FAR, FAR],
    }
    predicted = torch.stack([probabilities_of(*touch[part]) for part in (None, None, 1, 2, 1)])[None]
    truth = torch.tensor([[0, 2, 1, 1, 0]])
    metrics = compute_contact_metrics(predicted, truth)
    assert metrics["accuracy"] == pytest.approx(2 / 5)
    assert metrics["precision"] == pytest.approx(2 / 3)
    assert metrics["recall"] == pytest.approx(2 / 3)
    assert metrics["f1"] == pytest.approx(2 / 3)
    assert metrics["acc_no_contact"] == pytest.approx(1 / 2)
    assert metrics["acc_palm"] == pytest.approx(1 / 2)
    assert metrics["acc_thumb"] == 0.0
    assert math.isnan(metrics["acc_pinky"])


def test_nothing_to_find_and_nothing_found_is_perfect_and_missing_everything_is_zero():
    nothing = compute_contact_metrics(torch.zeros(1, 4, 6), torch.zeros(1, 4, dtype=torch.long))
    assert (nothing["precision"], nothing["recall"], nothing["f1"], nothing["accuracy"]) == (1.0, 1.0, 1.0, 1.0)
    missed = compute_contact_metrics(torch.zeros(1, 4, 6), torch.ones(1, 4, dtype=torch.long))
    assert (missed["recall"], missed["f1"]) == (0.0, 0.0)


def test_half_precision_is_accepted():
    metrics = compute_contact_metrics(torch.ones(1, 3, 6, dtype=torch.bfloat16), torch.ones(1, 3, dtype=torch.long))
    assert metrics["accuracy"] == 1.0
