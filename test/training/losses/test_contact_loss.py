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


def test_focal_form_by_hand():
    logits = torch.zeros(1, 1, 7)
    logits[0, 0, 1] = math.log(3)  # sigmoid 0.75
    targets = torch.tensor([[[0.25, 0.5, 0.0, 1.0, 0.5, 0.5]]])
    loss = float(ContactLoss(focal_gamma=2.0).losses(logits, targets))
    expected = 0.5**2 * bce(0.75, 0.25) + 2 * 0.5**2 * math.log(2)
    assert loss == pytest.approx(expected / 6, rel=1e-5)


def test_focal_form_without_gamma_is_cross_entropy():
    logits, targets = torch.randn(2, 9, 7), torch.rand(2, 9, 6)
    assert torch.equal(ContactLoss(focal_gamma=0.0).losses(logits, targets), ContactLoss().losses(logits, targets))


def test_focal_form_is_for_hard_labels_the_known_one():
    logits = torch.randn(5, 7, dtype=torch.float64)
    labels = torch.randint(0, 2, (5, 6)).double()
    of_label = torch.where(labels == 1, logits[:, 1:].sigmoid(), 1 - logits[:, 1:].sigmoid())
    expected = (-((1 - of_label) ** 2) * of_label.log()).mean(dim=-1)
    assert torch.allclose(ContactLoss(focal_gamma=2.0).losses(logits, labels), expected)


@pytest.mark.parametrize("gamma", [1.0, 2.0])
def test_focal_gradient_is_finite_and_vanishes_at_the_target(gamma):
    targets = torch.full((1, 1, 6), 0.5)
    logits = torch.zeros(1, 1, 7)
    logits[..., 1] = 2.0
    logits.requires_grad_(True)
    ContactLoss(focal_gamma=gamma).losses(logits, targets).sum().backward()
    assert logits.grad is not None
    assert torch.isfinite(logits.grad).all()
    assert logits.grad[0, 0, 1] > 0.01
    assert not logits.grad[0, 0, 2:].any()
