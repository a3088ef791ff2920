import dataclasses

import pytest

from funcgrasp_core.errors import ConfigurationError
from funcgrasp_core.grasp_model.config import (
    FlowConfig,
    FusionConfig,
    GraspModelConfig,
    PalmModeConfig,
    PointNet2Config,
    SetAbstractionConfig,
)
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
