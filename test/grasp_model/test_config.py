import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
from safetensors import safe_open

from funcgrasp_core.assets import asset_path
from funcgrasp_core.errors import ConfigurationError
from funcgrasp_core.grasp_model.config import (
    AttentionPoolingConfig,
    CompactSemanticConfig,
    FlowConfig,
    FusionConfig,
    GraspModelConfig,
    PalmModeConfig,
    PointNet2Config,
    SetAbstractionConfig,
)
from funcgrasp_core.grasp_model.config_base import Choices, from_dict
from funcgrasp_core.grasp_model.named_configs import COMPACT, CONFIGS, DEBUG, FUNCGRASP_V2


@pytest.mark.parametrize("config", CONFIGS.values(), ids=CONFIGS)
def test_json_round_trip(config):
    assert GraspModelConfig.from_json(config.to_json()) == config


def test_original_sizes():
    assert (FUNCGRASP_V2.geometric_size, FUNCGRASP_V2.semantic_size, FUNCGRASP_V2.fused_size) == (256, 256, 512)


def test_unknown_name_is_refused():
    with pytest.raises(ConfigurationError, match="has no spam"):
        GraspModelConfig.from_json('{"spam": 1}')


def test_non_positive_radius_is_refused():
    with pytest.raises(ConfigurationError, match="radius must be positive"):
        SetAbstractionConfig(4, 0.0, 4, (8,))


def test_more_samples_than_points_are_refused():
    with pytest.raises(ConfigurationError, match="must not increase"):
        dataclasses.replace(COMPACT, num_points=16)


def test_indivisible_heads_are_refused():
    with pytest.raises(ConfigurationError, match="multiple of 7 heads"):
        dataclasses.replace(COMPACT, fusion=dataclasses.replace(COMPACT.fusion, heads=7))


def test_palm_mode_without_joint_basis_is_refused():
    with pytest.raises(ConfigurationError, match="joint_basis"):
        dataclasses.replace(COMPACT, parameterisation="axis_angle")


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (FlowConfig, "integrator"),
        (FusionConfig, "over"),
        (PointNet2Config, "radius_unit"),
        (GraspModelConfig, "parameterisation"),
    ],
)
def test_unknown_choice_is_refused(kind, name):
    with pytest.raises(ConfigurationError, match=f"{name} must be one of"):
        kind(**{name: "other"})


def test_plain_mode_flow_is_refused():
    with pytest.raises(ConfigurationError, match="residual"):
        PalmModeConfig(flow=FlowConfig(residual=False))


def test_groups_larger_than_their_source_are_refused():
    small = dataclasses.replace(DEBUG.geometry, second=SetAbstractionConfig(16, 0.6, 33, (32,)))
    with pytest.raises(ConfigurationError, match="max_neighbours"):
        dataclasses.replace(DEBUG, geometry=small)


@pytest.mark.parametrize("text", ["[]", "3", "not json", '{"flow": 3}'])
def test_configuration_that_is_no_object_is_refused(text):
    with pytest.raises(ConfigurationError):
        GraspModelConfig.from_json(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"num_points": "many"}', "num_points must be of type int"),
        ('{"flow": {"num_steps": true}}', "FlowConfig.num_steps must be of type int"),
        ('{"flow": {"num_steps": 2.5}}', "FlowConfig.num_steps must be of type int"),
        ('{"normalise_targets": 1}', "normalise_targets must be of type bool"),
        ('{"geometry": {"global_widths": 3}}', "global_widths must be a list"),
        ('{"geometry": {"global_widths": ["a"]}}', "global_widths must be of type int"),
        ('{"semantic": {"kind": "other"}}', "kind must be one of"),
        ('{"geometry": {"first": {"num_samples": 4}}}', "SetAbstractionConfig"),
    ],
)
def test_values_of_another_type_are_refused(text, message):
    with pytest.raises(ConfigurationError, match=message):
        GraspModelConfig.from_json(text)


def test_whole_numbers_are_read_where_any_number_will_do():
    assert GraspModelConfig.from_json('{"geometry": {"coordinate_scale": 3}}').geometry.coordinate_scale == 3


def test_configuration_of_an_older_file_means_what_it_meant():
    """A checkpoint of the first version knows nothing of later fields: their defaults are the old behaviour."""
    text = (Path(__file__).parent / "config_of_first_version.json").read_text()
    assert "guidance" not in text
    assert "kind" not in text
    as_then = dataclasses.replace(COMPACT, flow=dataclasses.replace(COMPACT.flow, num_steps=20))
    assert GraspModelConfig.from_json(text) == as_then


def test_the_model_that_ships_is_the_named_one():
    with safe_open(asset_path("compact.safetensors"), framework="pt") as file:
        assert GraspModelConfig.from_json(file.metadata()["config"]) == COMPACT


@dataclass(frozen=True)
class Round(Choices):
    radius: float = 1.0
    kind: Literal["round"] = "round"


@dataclass(frozen=True)
class Square(Choices):
    side: float = 2.0
    kind: Literal["square"] = "square"


@dataclass(frozen=True)
class Shaped:
    shape: Round | Square | None = None


@pytest.mark.parametrize("shaped", [Shaped(), Shaped(Round(3.0)), Shaped(Square(4.0))])
def test_members_of_a_union_are_told_apart_by_their_kind(shaped):
    assert from_dict(Shaped, json.loads(json.dumps(dataclasses.asdict(shaped)))) == shaped


def test_without_a_kind_the_first_member_is_meant():
    assert from_dict(Shaped, {"shape": {"radius": 5.0}}) == Shaped(Round(5.0))
    with pytest.raises(ConfigurationError, match="Round has no side"):
        from_dict(Shaped, {"shape": {"side": 5.0}})


def test_an_unknown_kind_is_refused():
    with pytest.raises(ConfigurationError, match=r"shape.kind must be one of round, square, got 'oval'"):
        from_dict(Shaped, {"shape": {"kind": "oval"}})


@pytest.mark.parametrize(
    ("kind", "values", "message"),
    [
        (FlowConfig, {"width": 0}, "FlowConfig.width must be positive"),
        (FlowConfig, {"num_steps": 0}, "FlowConfig.num_steps must be positive"),
        (FlowConfig, {"time_draws": 0}, "FlowConfig.time_draws must be positive"),
        (FlowConfig, {"time_size": 7}, "time_size must be even"),
        (FusionConfig, {"dropout": 1.0}, "dropout must be at least 0 and below 1"),
        (FusionConfig, {"heads": 0}, "heads must be positive"),
        (FusionConfig, {"layers": -1}, "layers must be positive"),
        (CompactSemanticConfig, {"num_buckets": 1}, "num_buckets must be at least 2"),
        (CompactSemanticConfig, {"word_dropout": -0.1}, "word_dropout must be at least 0"),
        (CompactSemanticConfig, {"view_widths": ()}, "view_widths needs layers"),
        (CompactSemanticConfig, {"kind": "qwen"}, "kind must be one of"),
        (PointNet2Config, {"propagation_widths": (0,)}, "propagation_widths needs layers"),
        (PointNet2Config, {"coordinate_scale": 0.0}, "coordinate_scale must be positive"),
        (PalmModeConfig, {"num_refinements": -1}, "num_refinements must be at least 0"),
        (PalmModeConfig, {"position_noise_m": -0.1}, "position_noise_m must be at least 0"),
        (PalmModeConfig, {"local_width": 1}, "local_width must be at least 2"),
        (PalmModeConfig, {"local_radius_m": 0.0}, "local_radius_m must be positive"),
        (AttentionPoolingConfig, {"num_queries": 0}, "num_queries must be positive"),
        (GraspModelConfig, {"semantic_size": 0}, "semantic_size must be positive"),
        (GraspModelConfig, {"contact_hidden": 0}, "contact_hidden must be positive"),
        (GraspModelConfig, {"conditioning": "own"}, "conditioning must be one of"),
    ],
)
def test_bad_values_are_refused(kind, values, message):
    with pytest.raises(ConfigurationError, match=message):
        kind(**values)
