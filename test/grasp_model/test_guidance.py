import dataclasses

import pytest
import torch
from small_scenes import GUIDANCE, KINDS, MODE, SINGLE, flow_error, known_grasps, make, observation, streams, taught

from funcgrasp_core.errors import ConfigurationError
from funcgrasp_core.grasp_model.config import FlowConfig, GuidanceConfig
from funcgrasp_core.grasp_model.flow_matching import Guidance, RectifiedFlow
from funcgrasp_core.grasp_model.sample_random import SampleRandom

GUIDED = [pytest.param(dataclasses.replace(config, guidance=GUIDANCE), id=name) for name, config in KINDS.items()]


def scaled(config, scale: float):
    return dataclasses.replace(config, guidance=dataclasses.replace(GUIDANCE, scale=scale))


class ConditionAsVelocity(torch.nn.Module):
    """v = condition; counts how often it is asked."""

    calls = 0

    def forward(self, x_t, time, condition):
        self.calls += 1
        return condition


@pytest.mark.parametrize("scale", [0.0, 1.0, 2.5])
def test_guided_velocity_by_hand(scale):
    network = ConditionAsVelocity()
    flow = RectifiedFlow(network, 3, FlowConfig(num_steps=5, integrator="euler"))
    condition, null = torch.randn(2, 4, 3), torch.randn(2, 4, 3)
    noise, data = flow.sample_pairs(condition, random=SampleRandom([1, 2]), guidance=Guidance(scale, null))
    assert torch.allclose(data - noise, null + scale * (condition - null), atol=1e-5)
    assert network.calls == (5 if scale == 1.0 else 10)


@pytest.mark.parametrize("config", GUIDED)
def test_scale_one_is_no_guidance_bit_for_bit(config):
    guided, plain = make(scaled(config, 1.0)).eval(), make(dataclasses.replace(config, guidance=None)).eval()
    plain.load_state_dict({k: v for k, v in guided.state_dict().items() if k != "null_semantic"})
    with torch.no_grad():
        one, other = (model.sample(*observation(config), 3, streams(5)) for model in (guided, plain))
    assert torch.equal(one.vectors, other.vectors)
    assert torch.equal(one.contact_probabilities, other.contact_probabilities)


@pytest.mark.parametrize("config", GUIDED)
def test_scale_zero_does_not_hear_the_instruction_and_larger_ones_do(config):
    points, views, texts = observation(config)
    spread = []
    for scale in (0.0, 1.0, 3.0):
        model = make(scaled(config, scale)).eval()
        with torch.no_grad():
            pairs = [model.flow_pairs(points, views, words, 3, streams(5)) for words in (texts, texts[::-1])]
        first, second = (pair.data if pair.mode_data is None else pair.mode_data for pair in pairs)
        spread.append(float((first - second).norm()))
    assert spread[0] < 1e-5
    assert spread[1] > 1e-3
    assert spread[2] > 1.5 * spread[1]


@pytest.mark.parametrize("config", GUIDED)
def test_every_flow_is_guided_and_the_contact_map_is_not(config):
    """At scale 0 the whole grasp is deaf to the instruction; its contact map is still the instruction's."""
    points, views, texts = observation(config)
    model = make(scaled(config, 0.0)).eval()
    with torch.no_grad():
        one, other = (model.sample(points, views, words, 3, streams(5)) for words in (texts, texts[::-1]))
    assert torch.allclose(one.vectors, other.vectors, atol=1e-5)
    assert not torch.allclose(one.contact_probabilities, other.contact_probabilities, atol=1e-5)


@pytest.mark.parametrize("config", [MODE, SINGLE], ids=["mode", "single"])
def test_dropped_observations_are_drawn_by_their_own_streams(config):
    """The same sample is dropped or not, whatever batch it is in; dropped ones do not hear their instruction."""
    model = make(dataclasses.replace(config, guidance=GUIDANCE))
    model.semantic_encoder.eval()  # no word dropout: only the condition's counts
    points, views, texts = observation(config)

    def contact(words, seeds):
        return model(points, views, words, known_grasps(), SampleRandom(seeds)).contact_logits

    dropped = [float(SampleRandom([seed]).uniform()) < 0.5 for seed in range(8)]
    assert 0 < sum(dropped) < 8
    for seed in range(8):
        changes = (contact(texts, [seed, 99]) - contact(texts[::-1], [seed, 99])).abs().amax(dim=(1, 2, 3))
        assert bool(changes[0] < 1e-6) is dropped[seed]
        swapped = (contact(texts, [99, seed]) - contact(texts[::-1], [99, seed])).abs().amax(dim=(1, 2, 3))
        assert bool(swapped[1] < 1e-6) is dropped[seed]


@pytest.mark.parametrize("config", GUIDED)
def test_nothing_is_dropped_in_evaluation(config):
    model = make(config).eval()
    points, views, texts = observation(config)
    with torch.no_grad():
        one, other = (model(points, views, words, known_grasps(), streams(2)) for words in (texts, texts[::-1]))
    assert ((one.contact_logits - other.contact_logits).abs().amax(dim=(1, 2, 3)) > 1e-6).all()


@pytest.mark.parametrize("config", GUIDED)
def test_null_vector_is_learned(config):
    model = make(config)
    for seed in range(4):  # each observation is dropped half of the time
        flow_error(model(*observation(config), known_grasps(), streams(seed))).backward()
    assert taught(model)
    assert model.null_semantic is not None
    assert model.null_semantic.grad is not None
    assert model.null_semantic.grad.any()


@pytest.mark.parametrize("dropout", [0.0, 1.0, -0.1])
def test_dropout_that_cannot_teach_both_is_refused(dropout):
    with pytest.raises(ConfigurationError, match="condition_dropout must be between 0 and 1"):
        GuidanceConfig(condition_dropout=dropout)


def test_negative_scale_is_refused():
    with pytest.raises(ConfigurationError, match="scale must be at least 0"):
        GuidanceConfig(scale=-1.0)
