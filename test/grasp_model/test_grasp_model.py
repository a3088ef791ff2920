import dataclasses

import pytest
import torch
from torch import nn

from funcgrasp_core.errors import ConfigurationError
from funcgrasp_core.grasp_model.config import DEBUG, FUNCGRASP_V2, GraspModelConfig
from funcgrasp_core.grasp_model.grasp_model import GraspModel, build_grasp_model
from funcgrasp_core.grasp_model.sample_random import SampleRandom
from funcgrasp_core.grasp_model.semantic_encoder import ViewImages

SINGLE_MAP = dataclasses.replace(DEBUG, name="single", mode=None)
ORIGINAL_SMALL = dataclasses.replace(
    SINGLE_MAP,
    parameterisation="axis_angle",
    normalise_targets=False,
    fusion=dataclasses.replace(DEBUG.fusion, over="points"),
)


def observation(config: GraspModelConfig, batch_size: int = 2, view_size: int = 16):
    generator = torch.Generator().manual_seed(0)
    points = (torch.rand(batch_size, config.num_points, 3, generator=generator) - 0.5) * 0.1
    images = torch.rand(batch_size, 6, 3, view_size, view_size, generator=generator)
    views = ViewImages(images, torch.ones(batch_size, 6, dtype=torch.bool))
    return points, views, ["drink from it", "lift it up"][:batch_size]


def streams(seed: int) -> SampleRandom:
    return SampleRandom([seed, seed + 100])


def known_grasps() -> torch.Tensor:
    return 0.2 * torch.randn(2, 3, 61, generator=torch.Generator().manual_seed(1))


def make(config: GraspModelConfig) -> GraspModel:
    torch.manual_seed(0)
    model = build_grasp_model(config)
    model.fit_targets(known_grasps().flatten(0, 1))
    return model


@pytest.mark.parametrize("config", [DEBUG, SINGLE_MAP, ORIGINAL_SMALL], ids=["mode", "single", "original"])
def test_shapes(config):
    model = make(config)
    prediction = model(*observation(config), known_grasps(), streams(2), 50)
    assert prediction.contact_logits.shape == (2, 3, 50, 7)
    assert prediction.velocity.shape == (2, 2 * 3, model.parameterisation.size)
    assert (prediction.mode_velocity is None) == (config.mode is None)
    with torch.no_grad():
        sample = model.eval().sample(*observation(config), 5, streams(2))
    assert sample.vectors.shape == (2, 5, 61)
    assert sample.contact_probabilities.shape == (2, 5, config.num_points, 6)
    assert torch.isfinite(sample.vectors).all()


@pytest.mark.parametrize("config", [DEBUG, SINGLE_MAP, ORIGINAL_SMALL], ids=["mode", "single", "original"])
def test_flow_loss_does_not_teach_the_contact_head(config):
    model = make(config)
    prediction = model(*observation(config), known_grasps(), streams(2))
    (prediction.velocity - prediction.velocity_target).square().mean().backward(retain_graph=True)
    assert all(p.grad is None or not p.grad.any() for p in model.contact_head.parameters())
    assert any(p.grad is not None and p.grad.any() for p in model.geometric_encoder.parameters())
    prediction.contact_logits[..., 1:].square().mean().backward()
    assert all(p.grad is not None and p.grad.any() for p in model.contact_head.parameters())


def test_same_generator_same_grasps():
    model = make(DEBUG).eval()
    with torch.no_grad():
        first, again, other = (model.sample(*observation(DEBUG), 4, streams(seed)).vectors for seed in (3, 3, 4))
    assert torch.equal(first, again)
    assert not torch.allclose(first, other)


def test_instruction_changes_the_grasps():
    model = make(DEBUG).eval()
    points, views, texts = observation(DEBUG)
    with torch.no_grad():
        one = model.sample(points, views, texts, 4, streams(3)).vectors
        other = model.sample(points, views, texts[::-1], 4, streams(3)).vectors
    assert not torch.allclose(one, other)


def test_each_candidate_of_a_mode_has_its_own_contact_map():
    model = make(DEBUG).eval()
    with torch.no_grad():
        maps = model.sample(*observation(DEBUG), 3, streams(3)).contact_probabilities
    assert not torch.allclose(maps[:, 0], maps[:, 1])


def test_normalised_targets_have_unit_deviation():
    torch.manual_seed(0)
    model = build_grasp_model(dataclasses.replace(SINGLE_MAP))
    vectors = 0.3 * torch.randn(500, 61)
    model.fit_targets(vectors)
    targets = model.targets.normalise(model.parameterisation.encode(vectors))
    assert torch.allclose(targets.mean(dim=0), torch.zeros(64), atol=1e-4)
    assert torch.allclose(targets.std(dim=0), torch.ones(64), atol=1e-3)


def test_original_configuration_has_the_stated_parameter_counts(tiny_qwen):
    model = build_grasp_model(FUNCGRASP_V2, tiny_qwen)

    def count(module: nn.Module) -> int:
        return sum(p.numel() for p in module.parameters())

    assert count(model.flow) == 1_830_973
    assert count(model.fusion) == 12_609_536
    assert count(model.contact_head) == 512 * 256 + 256 + 256 * 7 + 7


def test_a_folder_is_given_where_one_is_used(tiny_qwen):
    with pytest.raises(ConfigurationError, match=r"'funcgrasp_v2' uses Qwen2\.5-VL: give semantic_model"):
        build_grasp_model(FUNCGRASP_V2)
    with pytest.raises(ConfigurationError, match="'debug' has its own semantic encoder"):
        build_grasp_model(DEBUG, tiny_qwen)
