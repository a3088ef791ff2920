import math

import pytest
import torch

from training.losses.spatial_consistency_loss import SpatialConsistencyLoss

ONE_NEIGHBOUR = SpatialConsistencyLoss(num_neighbours=1, agreement=0.5)


def logits_of(probabilities: torch.Tensor) -> torch.Tensor:
    """[..., 6] -> [..., 7] with a no-contact logit of zero."""
    return torch.cat([torch.zeros_like(probabilities[..., :1]), torch.logit(probabilities)], dim=-1)


def test_neighbours_are_the_nearest_others():
    points = torch.tensor([[[0.0, 0, 0], [1.0, 0, 0], [1.4, 0, 0], [9.0, 0, 0]]])
    assert ONE_NEIGHBOUR.neighbours(points)[0, :, 0].tolist() == [1, 2, 1, 2]
    assert SpatialConsistencyLoss(2).neighbours(points)[0, 0].tolist() == [1, 2]


def test_hand_worked_value():
    neighbours = torch.tensor([[[1], [0]]])
    targets = torch.full((1, 1, 2, 6), 0.4)
    targets[0, 0, 1, 0] = 0.9  # the first part's border lies between the two points
    predicted = torch.full((1, 1, 2, 6), 0.5)
    predicted[0, 0, 0, :2] = torch.tensor([0.2, 0.7])
    losses = ONE_NEIGHBOUR.losses(logits_of(predicted), neighbours)
    weights = ONE_NEIGHBOUR.weights(targets, neighbours)
    assert losses.shape == weights.shape == (1, 1, 2, 1, 6)
    assert losses[0, 0, 0, 0].tolist() == pytest.approx([0.09, 0.04, 0, 0, 0, 0], abs=1e-6)
    assert weights[0, 0, 0, 0].tolist() == pytest.approx([math.exp(-1.0), 1, 1, 1, 1, 1], rel=1e-5)


def test_borders_of_the_targets_weigh_little_and_flat_predictions_cost_nothing():
    points = torch.rand(2, 30, 3)
    loss = SpatialConsistencyLoss(4, 0.1)
    neighbours = loss.neighbours(points)
    border = (points[..., :1] > 0.5).float().expand(-1, -1, 6)[:, None]
    differs = (border[:, :, :, None] - border[torch.arange(2)[:, None, None], 0, neighbours][:, None]).abs() > 0
    weights = loss.weights(border, neighbours)
    assert differs.any()
    assert (weights[differs] < 1e-4).all()
    assert (weights[~differs] == 1).all()
    assert not loss.losses(torch.full((2, 1, 30, 7), 0.3), neighbours).any()


def test_order_of_points_does_not_matter():
    torch.manual_seed(0)
    loss, order = SpatialConsistencyLoss(3), torch.randperm(20)
    points, logits, targets = torch.rand(1, 20, 3), torch.randn(1, 2, 20, 7), torch.rand(1, 2, 20, 6)

    def value(order):
        neighbours = loss.neighbours(points[:, order])
        weights = loss.weights(targets[:, :, order], neighbours)
        return (loss.losses(logits[:, :, order], neighbours) * weights).sum() / weights.sum()

    assert torch.allclose(value(order), value(torch.arange(20)), rtol=1e-5)


def test_gradient_draws_neighbours_together():
    logits = torch.zeros(1, 1, 2, 7)
    logits[..., 0, 1:], logits[..., 1, 1:] = 1.0, -1.0
    logits.requires_grad_(True)
    ONE_NEIGHBOUR.losses(logits, torch.tensor([[[1], [0]]])).sum().backward()
    assert logits.grad is not None
    assert (logits.grad[0, 0, 0, 1:] > 0).all()
    assert (logits.grad[0, 0, 1, 1:] < 0).all()
    assert not logits.grad[..., 0].any()
