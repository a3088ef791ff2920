import pytest
import torch

from funcgrasp_core.grasp_model.config import FlowConfig
from funcgrasp_core.grasp_model.flow_matching import (
    INTEGRATORS,
    AttentiveFlowNetwork,
    FlowNetwork,
    RectifiedFlow,
    integrate_euler,
    integrate_euler_midpoint_time,
    integrate_heun,
    interpolate,
)
from funcgrasp_core.grasp_model.sample_random import SampleRandom

NOISE = torch.tensor([[0.5, -1.0, 2.0]], dtype=torch.float64)
DATA = torch.tensor([[1.0, 3.0, -2.0]], dtype=torch.float64)


def field_towards_data(x, time):
    """The exact field of a single datum: (x_1 - x) / (1 - t)."""
    return (DATA - x) / (1 - time[..., None])


def test_interpolation_by_hand():
    x_t, velocity = interpolate(NOISE, DATA, torch.tensor([0.25], dtype=torch.float64))
    assert torch.allclose(x_t, torch.tensor([[0.625, 0.0, 1.0]], dtype=torch.float64))
    assert torch.equal(velocity, torch.tensor([[0.5, 4.0, -4.0]], dtype=torch.float64))


@pytest.mark.parametrize("name", INTEGRATORS)
@pytest.mark.parametrize("num_steps", [1, 3, 20])
def test_every_integrator_is_exact_on_a_constant_field(name, num_steps):
    landed = INTEGRATORS[name](lambda x, time: DATA - NOISE, NOISE, num_steps)
    assert torch.allclose(landed, DATA, atol=1e-12)


@pytest.mark.parametrize("integrate", [integrate_euler, integrate_heun])
def test_left_euler_and_heun_land_on_the_datum(integrate):
    assert torch.allclose(integrate(field_towards_data, NOISE, 20), DATA, atol=1e-12)


def test_midpoint_time_leaves_a_share_of_the_noise():
    landed = integrate_euler_midpoint_time(field_towards_data, NOISE, 20)
    share = (landed - DATA) / (NOISE - DATA)
    assert torch.allclose(share, torch.full_like(share, -0.0256), atol=5e-5)


def test_heun_is_of_second_order():
    def error(num_steps):
        # dx/dt = x from 1 arrives at e; the last step is Euler's, its error falls with the square too
        landed = integrate_heun(lambda x, time: x, torch.ones(1, 1, dtype=torch.float64), num_steps)
        return abs(float(landed) - torch.e)

    assert error(40) < error(20) / 3.5


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
