import torch

from funcgrasp_core.grasp_model.config import FlowConfig
from funcgrasp_core.grasp_model.flow_matching import (
    AttentiveFlowNetwork,
    FlowNetwork,
    RectifiedFlow,
    interpolate,
)
from funcgrasp_core.grasp_model.sample_random import SampleRandom

NOISE = torch.tensor([[0.5, -1.0, 2.0]], dtype=torch.float64)
DATA = torch.tensor([[1.0, 3.0, -2.0]], dtype=torch.float64)


def test_interpolation_by_hand():
    x_t, velocity = interpolate(NOISE, DATA, torch.tensor([0.25], dtype=torch.float64))
    assert torch.allclose(x_t, torch.tensor([[0.625, 0.0, 1.0]], dtype=torch.float64))
    assert torch.equal(velocity, torch.tensor([[0.5, 4.0, -4.0]], dtype=torch.float64))


def test_plain_network_has_the_stated_layers():
    network = FlowNetwork(61, 512, FlowConfig())
    shapes = [tuple(p.shape) for p in network.parameters() if p.ndim == 2]
    assert shapes == [(1024, 701), (1024, 1024), (61, 1024)]
    assert sum(p.numel() for p in network.parameters()) == 1_830_973


SMALL = FlowConfig(16, 1, True, 8, 4, "euler", 2)


def small_flow() -> RectifiedFlow:
    torch.manual_seed(0)
    return RectifiedFlow(FlowNetwork(5, 3, SMALL), 5, SMALL)


def test_sampling_is_reproducible_and_shaped():
    flow, condition = small_flow(), torch.zeros(2, 7, 3)
    first, again, other = (flow.sample(condition, random=SampleRandom([seed, 9])) for seed in (1, 1, 2))
    assert first.shape == (2, 7, 5)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_training_pairs_agree_with_their_noise():
    data = torch.randn(4, 6, 5)
    predicted, target = small_flow().predict(data, torch.zeros(4, 6, 3), random=SampleRandom(range(4)))
    assert predicted.shape == target.shape == (4, 12, 5)
    noise = SampleRandom(range(4)).normal(12, 5)
    assert torch.allclose(target, data.repeat(1, 2, 1) - noise)


def test_attentive_network_uses_its_context_in_any_order():
    torch.manual_seed(0)
    network = AttentiveFlowNetwork(5, 3, 7, SMALL, heads=2)
    x_t, time, condition, context = torch.randn(2, 4, 5), torch.rand(2, 4), torch.randn(2, 4, 3), torch.randn(2, 6, 7)
    velocity = network(x_t, time, condition, context)
    assert velocity.shape == (2, 4, 5)
    assert torch.allclose(velocity, network(x_t, time, condition, context[:, torch.randperm(6)]), atol=1e-5)
    assert not torch.allclose(velocity, network(x_t, time, condition, 2 * context), atol=1e-3)
