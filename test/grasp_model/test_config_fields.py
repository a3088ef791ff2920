"""Every field of the model's configuration does something: changed, it changes a small model, or it is refused.

`CHANGES` names each field by its path and gives another value for it. A field that is missing there fails the test.
"""

import dataclasses
from typing import Any

import pytest
import torch
from config_fields import field_paths, with_value
from small_scenes import ATTENTION, GUIDANCE, MODE, known_grasps, make, observation, streams
from torch import Tensor

from funcgrasp_core.errors import ConfigurationError
from funcgrasp_core.grasp_model.config import GraspModelConfig
from funcgrasp_core.grasp_model.qwen.config import QwenSemanticConfig

EVERYTHING = dataclasses.replace(
    MODE,
    fusion=dataclasses.replace(MODE.fusion, dropout=0.1),
    attention_pooling=ATTENTION,
    guidance=GUIDANCE,
)
"""A model in which every nested configuration is at work."""

CHANGES: dict[str, Any] = {
    "num_points": 64,
    "geometry.first.num_samples": 24,
    "geometry.first.radius": 0.05,
    "geometry.first.max_neighbours": 4,
    "geometry.first.widths": (16, 24),
    "geometry.second.num_samples": 12,
    "geometry.second.radius": 0.2,
    "geometry.second.max_neighbours": 4,
    "geometry.second.widths": (16,),
    "geometry.global_widths": (16,),
    "geometry.propagation_widths": (16,),
    "geometry.radius_unit": "metre",
    "geometry.coordinate_scale": 5.0,
    "geometry.layer_norm": False,
    "semantic": QwenSemanticConfig(),
    "semantic.num_buckets": 128,
    "semantic.max_words": 32,
    "semantic.width": 16,
    "semantic.text_layers": 2,
    "semantic.heads": 4,
    "semantic.word_dropout": 0.6,
    "semantic.view_size": 32,
    "semantic.view_widths": (8,),
    "semantic.kind": "other",
    "semantic_size": 16,
    "fusion.over": "levels",
    "fusion.layers": 2,
    "fusion.heads": 4,
    "fusion.feedforward": 32,
    "fusion.dropout": 0.5,
    "fusion.activation": "relu",
    "conditioning": "separate",
    "contact_hidden": 16,
    "attention_pooling": None,
    "attention_pooling.num_queries": 2,
    "mode": None,
    "mode.flow.width": 32,
    "mode.flow.layers": 2,
    "mode.flow.residual": False,
    "mode.flow.time_size": 32,
    "mode.flow.num_steps": 3,
    "mode.flow.integrator": "heun",
    "mode.flow.time_draws": 1,
    "mode.position_noise_m": 0.05,
    "mode.rotation_noise_rad": 0.5,
    "mode.num_refinements": 0,
    "mode.local_width": 16,
    "mode.local_radius_m": 0.02,
    "parameterisation": "axis_angle",
    "normalise_targets": False,
    "flow.width": 32,
    "flow.layers": 2,
    "flow.residual": False,
    "flow.time_size": 32,
    "flow.num_steps": 3,
    "flow.integrator": "rk4",
    "flow.time_draws": 1,
    "guidance": None,
    "guidance.condition_dropout": 0.9,
    "guidance.scale": 3.0,
}

TESTED_ELSEWHERE = frozenset({"QwenSemanticConfig"})
"""Of the semantic encoders, the one that needs a language model: its fields are tested beside it."""

LABELS = {"name"}
"""Fields that only name a configuration in files and messages."""

REFUSED = {"semantic", "semantic.kind", "mode.flow.residual", "parameterisation"}
"""Of `CHANGES`, what is refused when the configuration is made, or the model where it needs an encoder from outside."""


def behaviour(config: GraspModelConfig, weights: dict[str, Tensor] | None = None) -> dict[str, Any]:
    """Shapes of all weights, the views' size, a training pass and sampled grasps."""
    model = make(config)
    shapes = {name: tensor.shape for name, tensor in model.state_dict().items()}
    if weights is not None and shapes == {name: tensor.shape for name, tensor in weights.items()}:
        # The same weights, so that only what the field does can make a difference; statistics stay as fitted.
        parameters = {name for name, _ in model.named_parameters()}
        model.load_state_dict({name: weights[name] for name in parameters}, strict=False)
    torch.manual_seed(3)
    prediction = model(*observation(config), known_grasps(), streams(2), 30)
    with torch.no_grad():
        sample = model.eval().sample(*observation(config), 3, streams(2))
    return {"shapes": shapes, "view_size": model.semantic_encoder.view_size, **vars(prediction), **vars(sample)}


def differs(one: Any, other: Any) -> bool:
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        return one.shape != other.shape or not torch.allclose(one, other, atol=1e-6)
    return one is not other if isinstance(one, Tensor) or isinstance(other, Tensor) else one != other


@pytest.fixture(scope="module")
def usual():
    weights = make(EVERYTHING).state_dict()
    return weights, behaviour(EVERYTHING, weights)


def test_every_field_has_a_changed_value():
    assert set(field_paths(GraspModelConfig, elsewhere=TESTED_ELSEWHERE)) == set(CHANGES) | LABELS


def test_the_comparison_itself_is_repeatable(usual):
    weights, expected = usual
    again = behaviour(EVERYTHING, weights)
    assert [name for name in expected if differs(expected[name], again[name])] == []
    renamed = behaviour(dataclasses.replace(EVERYTHING, name="other"), weights)
    assert [name for name in expected if differs(expected[name], renamed[name])] == []


@pytest.mark.parametrize("path", sorted(set(CHANGES) - REFUSED))
def test_a_changed_field_changes_the_model(path, usual):
    weights, expected = usual
    changed = behaviour(with_value(EVERYTHING, path, CHANGES[path]), weights)
    assert any(differs(expected[name], changed[name]) for name in expected)


@pytest.mark.parametrize("path", sorted(REFUSED))
def test_a_value_that_contradicts_the_others_is_refused(path):
    with pytest.raises(ConfigurationError):
        make(with_value(EVERYTHING, path, CHANGES[path]))
