import math

import pytest
import torch

from training.losses.contact_loss import ContactLoss


def bce(probability: float, target: float) -> float:
    return -(target * math.log(probability) + (1 - target) * math.log(1 - probability))


def test_hand_worked_value():
    logits = torch.zeros(1, 2, 7)
    logits[0, 0, 1] = math.log(3)  # sigmoid 0.75
    targets = torch.zeros(1, 2, 6)
    targets[0, 0, 0] = 0.6065
    loss, weights = ContactLoss().losses(logits, targets), ContactLoss().weights(targets)
    first = (bce(0.75, 0.6065) + 5 * math.log(2)) / 6
    assert loss[0].tolist() == pytest.approx([first, math.log(2)], rel=1e-5)
    assert weights[0].tolist() == pytest.approx([0.9 * 0.6065 + 0.1, 0.1], rel=1e-6)


def test_strength_reaches_five_and_a_half_unless_clamped():
    targets = torch.ones(1, 1, 6)
    plain = ContactLoss(clamp_strength=False).weights(targets)
    clamped = ContactLoss(clamp_strength=True).weights(targets)
    assert float(plain) == pytest.approx(5.5)
    assert float(clamped) == pytest.approx(1.0)


def test_no_contact_logit_takes_no_part():
    logits = torch.randn(2, 3, 7)
    changed = logits.clone()
    changed[..., 0] += 5
    targets = torch.rand(2, 3, 6)
    assert torch.equal(ContactLoss().losses(logits, targets), ContactLoss().losses(changed, targets))


def test_least_where_probability_meets_target():
    targets = torch.full((1, 1, 6), 0.3)
    logits = torch.zeros(1, 1, 7)
    logits[..., 1:] = math.log(0.3 / 0.7)
    logits.requires_grad_(True)
    ContactLoss().losses(logits, targets).sum().backward()
    assert logits.grad is not None
    assert logits.grad.abs().max() < 1e-6
