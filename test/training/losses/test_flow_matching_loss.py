import torch

from training.losses.flow_matching_loss import flow_matching_loss


def test_hand_worked_value():
    predicted = torch.tensor([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]])
    target = torch.tensor([[1.0, 0.0, 4.0], [0.0, 3.0, 0.0]])
    assert torch.allclose(flow_matching_loss(predicted, target), torch.tensor([5 / 3, 3.0]))


def test_identity_is_zero():
    velocity = torch.randn(4, 5, 61)
    assert torch.equal(flow_matching_loss(velocity, velocity), torch.zeros(4, 5))
