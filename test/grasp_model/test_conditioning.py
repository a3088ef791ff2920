"""Multi-scale fusion, separate conditioning and attention pooling in whole models."""

import dataclasses

import pytest
import torch
from small_scenes import (
    ATTENTION,
    GUIDANCE,
    KINDS,
    MODE,
    SINGLE,
    flow_error,
    fused_over,
    known_grasps,
    make,
    observation,
    streams,
    taught,
)

from funcgrasp_core.errors import ConfigurationError


def options(**changes):
    return [pytest.param(dataclasses.replace(config, **changes), id=name) for name, config in KINDS.items()]


OVER = ("points", "samples", "levels")
EVERYTHING = [
    pytest.param(
        dataclasses.replace(fused_over(config, over), conditioning=conditioning, attention_pooling=pooling),
        id=f"{name}-{over}-{conditioning}-{'attention' if pooling else 'maximum'}",
    )
    for name, config in KINDS.items()
    for over in OVER
    for conditioning in ("shared", "separate")
    for pooling in (None, ATTENTION)
]


@pytest.mark.parametrize("config", EVERYTHING)
def test_every_combination_trains_and_samples(config):
    model = make(config)
    prediction = model(*observation(config), known_grasps(), streams(2), 50)
    assert prediction.contact_logits.shape == (2, 3, 50, 7)
    loss = flow_error(prediction) + prediction.contact_logits[..., 1:].square().mean()
    loss.backward()
    global_layers = {p for p in model.geometric_encoder.global_layers.parameters() if config.mode is None}
    untaught = [n for n, p in model.named_parameters() if p.grad is None and p not in global_layers]
    assert not untaught  # only the single map has no use for the global feature
    with torch.no_grad():
        sample = model.eval().sample(*observation(config), 4, streams(2))
    assert sample.vectors.shape == (2, 4, 61)
    assert torch.isfinite(sample.vectors).all()


@pytest.mark.parametrize("pooling", [None, ATTENTION], ids=["maximum", "attention"])
@pytest.mark.parametrize("over", OVER)
@pytest.mark.parametrize("config", options(conditioning="separate", guidance=GUIDANCE))
def test_everything_at_once_trains_and_samples_in_bfloat16(config, over, pooling):
    config = dataclasses.replace(fused_over(config, over), attention_pooling=pooling)
    model = make(config)
    with torch.autocast("cpu", torch.bfloat16):
        prediction = model(*observation(config), known_grasps(), streams(2), 50).to_float()
    (flow_error(prediction) + prediction.contact_logits[..., 1:].square().mean()).backward()
    assert all(torch.isfinite(p.grad).all() for p in model.parameters() if p.grad is not None)
    with torch.no_grad():
        exact = model.eval().sample(*observation(config), 4, streams(2))
        with torch.autocast("cpu", torch.bfloat16):
            rounded = model.sample(*observation(config), 4, streams(2))
            pairs = model.flow_pairs(*observation(config), 4, streams(2))
    assert rounded.vectors.dtype == pairs.data.dtype == torch.float32
    assert torch.isfinite(rounded.vectors).all()
    assert (rounded.vectors - exact.vectors).abs().mean() < 0.05


@pytest.mark.parametrize("config", options(conditioning="separate"))
@pytest.mark.parametrize("over", OVER)
def test_separate_conditioning_shares_no_last_layers(config, over):
    model = make(fused_over(config, over))
    prediction = model(*observation(config), known_grasps(), streams(2))
    flow_error(prediction).backward(retain_graph=True)
    contact_side = [model.fusion, model.contact_semantic, model.contact_head]
    shared = [model.semantic_encoder, model.geometric_encoder.first]
    if over != "points":
        contact_side += [model.geometric_encoder.propagate_first, model.geometric_encoder.propagate_points]
    if over == "levels":
        contact_side.append(model.fine_fusion)
    assert not any(taught(module) for module in contact_side)
    assert taught(model.flow_branch)
    assert all(taught(module) for module in shared)
    model.zero_grad()
    prediction.contact_logits[..., 1:].square().mean().backward()
    assert not taught(model.flow_branch)
    assert all(taught(module) for module in contact_side + shared)


@pytest.mark.parametrize("config", options())
def test_shared_conditioning_is_taught_by_both(config):
    model = make(config)
    flow_error(model(*observation(config), known_grasps(), streams(2))).backward()
    assert taught(model.fusion)
    assert model.flow_branch is None


@pytest.mark.parametrize("config", [MODE, SINGLE], ids=["mode", "single"])
def test_multi_scale_fusion_brings_the_meaning_to_the_finer_level(config):
    """With the coarse transformer's output cut off, the instruction still reaches the points."""
    for over, reaches in (("samples", False), ("levels", True)):
        model = make(fused_over(config, over)).eval()
        hierarchy = model.geometric_encoder.abstract(observation(config)[0])
        semantic = torch.randn(2, config.semantic_size, requires_grad=True)
        fine = None if model.fine_fusion is None else model.fine_fusion(hierarchy.first_features, semantic)
        coarse = torch.zeros(2, config.geometry.second.num_samples, config.fused_size)
        features = model.geometric_encoder.propagate(hierarchy, coarse, fine_features=fine)
        assert features.requires_grad
        (gradient,) = torch.autograd.grad(features.square().sum(), semantic, allow_unused=True)
        assert (gradient is not None and bool(gradient.any())) is reaches


@pytest.mark.parametrize("over", OVER)
@pytest.mark.parametrize("config", options(conditioning="separate"))
def test_order_of_all_but_the_first_point_does_not_matter(config, over):
    """Sampling starts at the first point; ties aside, the order of the others changes nothing."""
    model = make(fused_over(config, over)).eval()
    points, views, texts = observation(config)
    order = torch.cat([torch.zeros(1, dtype=torch.long), 1 + torch.randperm(config.num_points - 1)])
    with torch.no_grad():
        scene, again = model.encode(points, views, texts), model.encode(points[:, order], views, texts)
    assert torch.allclose(scene.point_features[:, order], again.point_features, atol=1e-4)
    assert torch.allclose(scene.flow_features[:, order], again.flow_features, atol=1e-4)
    assert torch.allclose(scene.summary, again.summary, atol=1e-4)


def test_heads_must_divide_the_finer_fused_width_too():
    geometry = dataclasses.replace(MODE.geometry, first=dataclasses.replace(MODE.geometry.first, widths=(16, 33)))
    dataclasses.replace(MODE, geometry=geometry)
    with pytest.raises(ConfigurationError, match="fused size 65 must be a multiple of 2 heads"):
        dataclasses.replace(fused_over(MODE, "levels"), geometry=geometry)


def test_queries_must_divide_what_they_read():
    with pytest.raises(ConfigurationError, match="must be a multiple of 5 queries"):
        dataclasses.replace(SINGLE, attention_pooling=dataclasses.replace(ATTENTION, num_queries=5))
    with pytest.raises(ConfigurationError, match="width 32 of what attention pooling reads"):
        dataclasses.replace(MODE, attention_pooling=dataclasses.replace(ATTENTION, num_queries=5))
