import torch

from funcgrasp_core.grasp_model.contact_weighted_pooling import (
    ContactWeightedPooling,
    PalmFramePooling,
    part_probabilities,
)


def test_hand_worked_weights():
    features = torch.tensor([[[1.0, 0.0], [0.0, 1.0]]])
    logits = torch.full((1, 2, 7), -30.0)
    logits[0, 0, 3] = torch.logit(torch.tensor(0.75))
    logits[0, 1, 5] = torch.logit(torch.tensor(0.25))
    assert torch.allclose(ContactWeightedPooling()(features, logits), torch.tensor([[0.75, 0.25]]), atol=1e-5)


def test_no_contact_class_does_not_count():
    logits = torch.randn(1, 4, 7)
    changed = logits.clone()
    changed[..., 0] += 3
    assert torch.equal(part_probabilities(logits), part_probabilities(changed))


def test_flow_gradient_stops_before_the_contact_logits():
    features = torch.randn(2, 5, 4, requires_grad=True)
    logits = torch.randn(2, 5, 7, requires_grad=True)
    ContactWeightedPooling()(features, logits).sum().backward()
    assert logits.grad is None
    assert features.grad is not None


def test_palm_frame_pooling_detaches_too_and_ignores_far_points():
    torch.manual_seed(0)
    pooling = PalmFramePooling(4, 16, 0.1, 8)
    features = torch.randn(2, 5, 4, requires_grad=True)
    logits = torch.randn(2, 3, 5, 7, requires_grad=True)
    points = torch.zeros(2, 3, 5, 3)
    points[:, :, 4] = 5.0
    pooled = pooling(features, logits, points)
    assert pooled.shape == (2, 3, 8)
    pooled.sum().backward()
    assert logits.grad is None

    def without_far_point(far_feature):
        changed = features.detach().clone()
        changed[:, 4] = far_feature
        quiet = logits.detach().clone()
        quiet[:, :, 4] = -60.0
        return pooling(changed, quiet, points)

    assert torch.allclose(without_far_point(0.0), without_far_point(9.0), atol=1e-5)


def test_order_of_points_does_not_matter():
    torch.manual_seed(0)
    pooling = PalmFramePooling(4, 16, 0.1, 8)
    features, logits, points = torch.randn(1, 6, 4), torch.randn(1, 2, 6, 7), 0.05 * torch.randn(1, 2, 6, 3)
    order = torch.randperm(6)
    again = pooling(features[:, order], logits[:, :, order], points[:, :, order])
    assert torch.allclose(pooling(features, logits, points), again, atol=1e-5)


def test_more_points_of_the_same_object_do_not_matter():
    torch.manual_seed(0)
    pooling = PalmFramePooling(4, 16, 0.1, 8)
    features, logits, points = torch.randn(1, 6, 4), torch.randn(1, 2, 6, 7), 0.05 * torch.randn(1, 2, 6, 3)
    denser = pooling(features.repeat(1, 4, 1), logits.repeat(1, 1, 4, 1), points.repeat(1, 1, 4, 1))
    assert torch.allclose(pooling(features, logits, points), denser, atol=1e-5)
