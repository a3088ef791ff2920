import pytest
import torch

from funcgrasp_core.grasp_model.attention_pooling import AttentionPooling, ContactAttention
from funcgrasp_core.grasp_model.contact_weighted_pooling import ContactWeightedPooling, PalmFramePooling


def attention(num_queries: int = 2, size: int = 6) -> ContactAttention:
    torch.manual_seed(0)
    layer = ContactAttention(size, num_queries, size)
    torch.nn.init.normal_(layer.queries)
    return layer


def plain(layer: ContactAttention) -> ContactAttention:
    """Queries that prefer nothing, values and projection that change nothing."""
    with torch.no_grad():
        layer.queries.zero_()
        for linear in (layer.values, layer.project):
            linear.weight.copy_(torch.eye(len(linear.weight)))
            linear.bias.zero_()
    return layer


def test_without_queries_it_is_the_contact_weighted_mean():
    pooling = AttentionPooling(6, 3)
    plain(pooling.attention)
    features, logits = torch.randn(2, 9, 6), torch.randn(2, 9, 7)
    assert torch.allclose(pooling(features, logits), ContactWeightedPooling()(features, logits), atol=1e-4)


def test_weights_by_hand():
    layer = plain(ContactAttention(2, 2, 2))
    with torch.no_grad():
        layer.queries[0] = torch.tensor([2**0.5, 0.0])
    # Scores of the first query: 1 + ln 0.5 and 0 + ln 0.25; the second follows the prior alone.
    features, prior = torch.tensor([[[1.0, 4.0], [0.0, 1.0]]]), torch.tensor([[0.5, 0.25]])
    e = torch.e
    expected = [0.5 * e / (0.5 * e + 0.25) * 1.0, (0.5 * 4.0 + 0.25 * 1.0) / 0.75]
    assert layer(features, prior)[0].tolist() == pytest.approx(expected, rel=1e-4)


def test_order_and_density_of_points_do_not_matter():
    layer, features, prior = attention(), torch.randn(2, 3, 9, 6), torch.rand(2, 3, 9)
    pooled, order = layer(features, prior), torch.randperm(9)
    assert pooled.shape == (2, 3, 6)
    assert torch.allclose(layer(features[:, :, order], prior[:, :, order]), pooled, atol=1e-5)
    assert torch.allclose(layer(features.repeat(1, 1, 4, 1), prior.repeat(1, 1, 4)), pooled, atol=1e-5)


def test_masked_points_are_not_seen():
    layer, features, prior = attention(), torch.randn(1, 9, 6), torch.rand(1, 9)
    mask = torch.arange(9)[None] < 5
    changed = torch.where(mask[..., None], features, torch.full_like(features, 7.0))
    assert torch.allclose(layer(features, prior, mask), layer(changed, prior, mask), atol=1e-6)
    assert torch.allclose(layer(features, prior, mask), layer(features[:, :5], prior[:, :5]), atol=1e-5)
    nowhere = layer(features, prior, torch.zeros_like(mask))
    assert torch.allclose(nowhere, layer.project(torch.zeros(1, 6)), atol=1e-6)


def test_more_probable_points_are_seen_more():
    layer, features = plain(attention()), torch.eye(6)[None]
    prior = torch.tensor([[0.9, 0.1, 0.1, 0.1, 0.1, 0.1]])
    pooled = layer(features, prior)[0]
    assert pooled[0] > 6 * pooled[1:].max()


def test_gradient_reaches_queries_and_features_but_not_the_contact_logits():
    pooling = AttentionPooling(6, 2)
    features, logits = torch.randn(2, 5, 6, requires_grad=True), torch.randn(2, 5, 7, requires_grad=True)
    pooling(features, logits).square().sum().backward()
    assert logits.grad is None
    assert features.grad is not None
    assert all(p.grad is not None and p.grad.any() for p in pooling.parameters())


def test_in_the_palm_frame_it_replaces_the_maximum():
    torch.manual_seed(0)
    pooling = PalmFramePooling(4, 16, 0.1, 8, ContactAttention(16, 4, 16))
    features, logits = torch.randn(1, 5, 4), torch.full((1, 2, 5, 7), -4.0)
    points = 0.01 * torch.randn(1, 2, 5, 3)
    points[:, :, 4] = 5.0  # far from the palm
    moved = points.clone()
    moved[:, 0, 0] += 0.02
    pooled = pooling(features, logits, points)
    assert pooled.shape == (1, 2, 8)
    assert not torch.allclose(pooled[:, 0], pooling(features, logits, moved)[:, 0], atol=1e-4)
    assert torch.allclose(pooled[:, 1], pooling(features, logits, moved)[:, 1], atol=1e-6)
    quiet = logits.clone()
    quiet[:, :, 4] = -60.0  # far and surely untouched: its features count nowhere
    changed = features.clone()
    changed[:, 4] += 3.0
    assert torch.allclose(pooling(features, quiet, points), pooling(changed, quiet, points), atol=1e-5)
