"""Reflow: pairs that a teacher has joined, and learning from them."""

import dataclasses

import pytest
import torch
from small_scenes import KINDS, MODE, SINGLE, flow_error, known_grasps, make, observation, streams, taught
from torch import nn

from funcgrasp_core.errors import ConfigurationError
from funcgrasp_core.grasp_model.config import FlowConfig
from funcgrasp_core.grasp_model.flow_matching import FlowNetwork, RectifiedFlow
from funcgrasp_core.grasp_model.flow_pairs import FlowPairs
from funcgrasp_core.grasp_model.sample_random import SampleRandom

CONFIGS = [pytest.param(config, id=name) for name, config in KINDS.items()]
GROWTH = torch.e - 1


class GrowingField(nn.Module):
    """v = x, whose paths x_0 e^t are curved."""

    def forward(self, x_t, time, condition):
        return x_t


class StraightenedField(nn.Module):
    """The field of straight paths from x_0 to e x_0, where x_t = x_0 (1 + t (e - 1))."""

    def forward(self, x_t, time, condition):
        return GROWTH * x_t / (1 + GROWTH * time[..., None])


def flow_of(network: nn.Module, num_steps: int, integrator: str = "rk4") -> RectifiedFlow:
    return RectifiedFlow(network, 3, FlowConfig(num_steps=num_steps, integrator=integrator, time_draws=4))


def test_straightened_flow_in_closed_form():
    condition = torch.zeros(2, 5, 1, dtype=torch.float64)
    noise, data = flow_of(GrowingField(), 50).sample_pairs(condition, random=SampleRandom([1, 2]))
    assert torch.allclose(data, torch.e * noise, atol=1e-6)
    student = flow_of(StraightenedField(), 1, "euler")
    predicted, target = student.predict(data, condition, random=SampleRandom([3, 4]), noise=noise)
    assert predicted.shape == (2, 20, 3)
    assert torch.allclose(predicted, target, atol=1e-5)
    one_step = student.sample(condition, random=SampleRandom([1, 2]))
    assert torch.allclose(one_step, data, atol=1e-5)
    curved = flow_of(GrowingField(), 1, "euler").sample(condition, random=SampleRandom([1, 2]))
    assert not torch.allclose(curved, data, atol=0.3)


def test_given_noise_is_kept_for_every_time_and_drawn_noise_is_not():
    data, condition, noise = torch.randn(2, 5, 3), torch.zeros(2, 5, 1), torch.randn(2, 5, 3)
    flow = flow_of(GrowingField(), 1)
    _, target = flow.predict(data, condition, random=SampleRandom([1, 2]), noise=noise)
    assert torch.equal(target, (data - noise).repeat(1, 4, 1))
    _, drawn = flow.predict(data, condition, random=SampleRandom([1, 2]))
    assert not torch.allclose(drawn[:, :5], drawn[:, 5:10])


@pytest.mark.parametrize("config", CONFIGS)
def test_pairs_are_what_the_teacher_samples(config):
    model = make(config).eval()
    pairs = model.flow_pairs(*observation(config), 4, streams(7))
    assert pairs.data.shape == pairs.noise.shape == (2, 4, model.parameterisation.size)
    with torch.no_grad():
        vectors = model.sample(*observation(config), 4, streams(7)).vectors
    if config.mode is None:
        assert torch.equal(model.parameterisation.decode(model.targets.restore(pairs.data)), vectors)
    first_noise = pairs.noise if pairs.mode_noise is None else pairs.mode_noise
    assert torch.equal(first_noise, streams(7).normal(4, first_noise.shape[-1]))
    assert set(pairs.tensors()) == (
        {"noise", "data"} if config.mode is None else {"noise", "data", "mode_noise", "mode_data", "palm_modes"}
    )


@pytest.mark.parametrize("config", CONFIGS)
def test_an_observation_has_the_same_pairs_in_every_batch(config):
    model = make(config).eval()
    points, views, texts = observation(config)
    together = model.flow_pairs(points, views, texts, 3, SampleRandom([11, 12]))
    swapped = dataclasses.replace(views, images=views.images.flip(0), mask=views.mask.flip(0))
    other = model.flow_pairs(points.flip(0), swapped, texts[::-1], 3, SampleRandom([12, 11]))
    for name, value in together.tensors().items():
        assert torch.allclose(value, other.tensors()[name].flip(0), atol=1e-4), name


@pytest.mark.parametrize("config", CONFIGS)
def test_student_learns_the_pairs_for_the_flows_and_the_known_grasps_for_contact(config):
    teacher, student = make(config).eval(), make(config)
    student.semantic_encoder.eval()
    pairs = teacher.flow_pairs(*observation(config), 5, streams(7))
    inputs = (*observation(config), known_grasps())
    prediction, usual = student(*inputs, streams(3), pairs=pairs), student(*inputs, streams(3))
    draws = config.flow.time_draws
    assert torch.equal(prediction.velocity_target, (pairs.data - pairs.noise).repeat(1, draws, 1))
    assert torch.allclose(prediction.contact_logits, usual.contact_logits, atol=1e-6)
    if pairs.mode_data is not None:
        assert config.mode is not None
        straight = (pairs.mode_data - pairs.mode_noise).repeat(1, config.mode.flow.time_draws, 1)
        assert prediction.mode_velocity_target is not None
        assert torch.equal(prediction.mode_velocity_target, straight)
    flow_error(prediction).backward()
    assert taught(student.flow)
    assert not taught(student.contact_head)


def test_grasps_are_learned_under_the_palms_that_they_hold_in():
    teacher, student = make(MODE).eval(), make(MODE).eval()
    pairs = teacher.flow_pairs(*observation(MODE), 3, streams(7))
    assert pairs.palm_modes is not None
    moved = dataclasses.replace(pairs, palm_modes=pairs.palm_modes + 0.01)
    inputs = (*observation(MODE), known_grasps())
    with torch.no_grad():
        one, other = (student(*inputs, streams(3), pairs=these) for these in (pairs, moved))
    assert not torch.allclose(one.velocity, other.velocity, atol=1e-4)
    assert one.mode_velocity is not None
    assert other.mode_velocity is not None
    assert torch.equal(one.mode_velocity, other.mode_velocity)
    assert torch.equal(one.contact_logits, other.contact_logits)


def test_pairs_of_another_kind_of_model_are_refused():
    teacher, student = make(SINGLE).eval(), make(MODE)
    pairs = teacher.flow_pairs(*observation(SINGLE), 3, streams(7))
    with pytest.raises(ConfigurationError, match="come from a model without a palm mode"):
        student(*observation(MODE), known_grasps(), streams(3), pairs=pairs)


def test_stored_tensors_make_the_same_pairs():
    pairs = make(MODE).eval().flow_pairs(*observation(MODE), 2, streams(7))
    again = FlowPairs(**pairs.tensors())
    assert again.mode_data is pairs.mode_data
    assert set(again.tensors()) == set(pairs.tensors())


@pytest.mark.slow
def test_reflow_straightens_a_learned_flow():
    """Two modes in the plane: the student's single Euler step comes nearer to its many than the teacher's does."""
    config = FlowConfig(width=64, layers=2, time_size=16, num_steps=50, integrator="heun")
    modes = torch.tensor([[2.0, 2.0], [2.0, -2.0]])

    def train(flow, draw):
        optimiser = torch.optim.Adam(flow.parameters(), lr=2e-3)
        for step in range(800):
            noise, data = draw(step)
            predicted, target = flow.predict(data, data[..., :0], random=SampleRandom([step]), noise=noise)
            optimiser.zero_grad()
            (predicted - target).square().mean().backward()
            optimiser.step()

    def known(step):
        generator = torch.Generator().manual_seed(step)
        chosen = torch.randint(2, (1, 256), generator=generator)
        return None, modes[chosen] + 0.1 * torch.randn(1, 256, 2, generator=generator)

    def new_flow():
        torch.manual_seed(0)
        return RectifiedFlow(FlowNetwork(2, 0, config), 2, config)

    @torch.no_grad()
    def curvature(flow):
        """Mean distance between where one Euler step and where many lead."""
        noise, landed = flow.sample_pairs(torch.zeros(1, 1000, 0), random=SampleRandom([99]))
        one_step = noise + flow.network(noise, torch.zeros(1, 1000), noise[..., :0])
        return float((one_step - landed).norm(dim=-1).mean())

    teacher, student = new_flow(), new_flow()
    train(teacher, known)
    student.load_state_dict(teacher.state_dict())
    with torch.no_grad():
        noise, landed = teacher.sample_pairs(torch.zeros(1, 4096, 0), random=SampleRandom([5]))

    def joined(step):
        chosen = torch.randint(4096, (256,), generator=torch.Generator().manual_seed(step))
        return noise[:, chosen], landed[:, chosen]

    train(student, joined)
    assert curvature(teacher) > 1.0
    assert curvature(student) < 0.4 * curvature(teacher)
