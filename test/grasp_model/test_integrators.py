import pytest
import torch

from funcgrasp_core.grasp_model.integrators import (
    INTEGRATORS,
    integrate_euler,
    integrate_euler_midpoint_time,
    integrate_heun,
    integrate_rk4,
)

NOISE = torch.tensor([[0.5, -1.0, 2.0]], dtype=torch.float64)
DATA = torch.tensor([[1.0, 3.0, -2.0]], dtype=torch.float64)


def field_towards_data(x, time):
    """The exact field of a single datum, singular at t = 1: (x_1 - x) / (1 - t)."""
    return (DATA - x) / (1 - time[..., None])


def curved_field(x, time):
    """Nonlinear in x and t: dx/dt = 2 t x^2 takes x_0 to x_0 / (1 - x_0)."""
    return 2 * time[..., None] * x.square()


@pytest.mark.parametrize("name", INTEGRATORS)
@pytest.mark.parametrize("num_steps", [1, 3, 20])
def test_every_integrator_is_exact_on_a_constant_field(name, num_steps):
    landed = INTEGRATORS[name](lambda x, time: DATA - NOISE, NOISE, num_steps)
    assert torch.allclose(landed, DATA, atol=1e-12)


@pytest.mark.parametrize("integrate", [integrate_euler, integrate_heun, integrate_rk4])
@pytest.mark.parametrize("num_steps", [1, 2, 20])
def test_all_but_midpoint_time_land_on_the_datum(integrate, num_steps):
    assert torch.allclose(integrate(field_towards_data, NOISE, num_steps), DATA, atol=1e-12)


def test_midpoint_time_leaves_a_share_of_the_noise():
    landed = integrate_euler_midpoint_time(field_towards_data, NOISE, 20)
    share = (landed - DATA) / (NOISE - DATA)
    assert torch.allclose(share, torch.full_like(share, -0.0256), atol=5e-5)


@pytest.mark.parametrize("name", INTEGRATORS)
def test_nobody_asks_at_the_singular_end(name):
    asked = []

    def velocity(x, time):
        asked.append(float(time))
        return x

    INTEGRATORS[name](velocity, torch.ones(1, 1, dtype=torch.float64), 5)
    assert min(asked) >= 0.0
    assert max(asked) < 1.0


@pytest.mark.parametrize(
    ("name", "order"), [("euler", 1), ("euler_midpoint_time", 1), ("heun", 2), ("rk4", 4)], ids=str
)
@pytest.mark.parametrize("field", ["exponential", "curved"])
def test_order_of_convergence(name, order, field):
    velocity, landing = {
        "exponential": (lambda x, time: x, 0.4 * torch.e),
        "curved": (curved_field, 0.4 / 0.6),
    }[field]

    def error(num_steps):
        landed = INTEGRATORS[name](velocity, torch.full((1, 1), 0.4, dtype=torch.float64), num_steps)
        return abs(float(landed) - landing)

    measured = torch.log2(torch.tensor(error(40) / error(80)))
    assert measured == pytest.approx(order, abs=0.25)


def test_one_rk4_step_of_third_order_by_hand():
    # x' = x over one step of length 1 with Ralston's stages: 1 + 1 + 1/2 + 1/6
    landed = integrate_rk4(lambda x, time: x, torch.ones(1, 1, dtype=torch.float64), 1)
    assert float(landed) == pytest.approx(8 / 3, abs=1e-12)


@pytest.mark.parametrize("name", INTEGRATORS)
def test_gradient_reaches_the_noise(name):
    noise = NOISE.clone().requires_grad_(True)
    INTEGRATORS[name](lambda x, time: 0.5 * x, noise, 3).sum().backward()
    assert noise.grad is not None
    assert (noise.grad > 1).all()
