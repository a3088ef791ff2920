import pytest
import torch
from small_scenes import KINDS, SINGLE, known_grasps, make, observation, streams

from funcgrasp_core.errors import ConfigurationError
from funcgrasp_core.grasp_model.grasp_model import build_grasp_model
from funcgrasp_core.grasp_model.named_configs import DEBUG, FUNCGRASP_V2

MODELS = pytest.mark.parametrize("config", KINDS.values(), ids=KINDS)


@MODELS
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


@MODELS
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
    model = build_grasp_model(SINGLE)
    vectors = 0.3 * torch.randn(500, 61)
    model.fit_targets(vectors)
    targets = model.targets.normalise(model.parameterisation.encode(vectors))
    assert torch.allclose(targets.mean(dim=0), torch.zeros(64), atol=1e-4)
    assert torch.allclose(targets.std(dim=0), torch.ones(64), atol=1e-3)


def test_a_language_model_comes_from_a_folder_and_only_where_there_is_one(tmp_path):
    with pytest.raises(ConfigurationError, match="semantic_model"):
        build_grasp_model(FUNCGRASP_V2)
    with pytest.raises(ConfigurationError, match="semantic_model"):
        build_grasp_model(DEBUG, tmp_path)
