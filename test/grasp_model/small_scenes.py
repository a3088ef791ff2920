"""Small models, observations and grasps for tests of the grasp model."""

import dataclasses

import torch

from funcgrasp_core.grasp_model.config import (
    AttentionPoolingConfig,
    FusionConfig,
    GraspModelConfig,
    GuidanceConfig,
)
from funcgrasp_core.grasp_model.grasp_model import GraspModel, build_grasp_model
from funcgrasp_core.grasp_model.named_configs import DEBUG
from funcgrasp_core.grasp_model.sample_random import SampleRandom
from funcgrasp_core.grasp_model.semantic_encoder import ViewImages

MODE = DEBUG
SINGLE = dataclasses.replace(DEBUG, name="single", mode=None)
ORIGINAL = dataclasses.replace(
    SINGLE,
    name="original",
    parameterisation="axis_angle",
    normalise_targets=False,
    fusion=dataclasses.replace(DEBUG.fusion, over="points"),
)
KINDS = {config.name: config for config in (MODE, SINGLE, ORIGINAL)}
"""Both kinds of model, one of them with fusion over all points."""

GUIDANCE = GuidanceConfig(condition_dropout=0.5, scale=2.0)
ATTENTION = AttentionPoolingConfig(num_queries=4)


def fused_over(config: GraspModelConfig, over: str) -> GraspModelConfig:
    """The configuration with fusion over points, samples or levels."""
    fusion: FusionConfig = dataclasses.replace(config.fusion, over=over)
    return dataclasses.replace(config, fusion=fusion)


def observation(config: GraspModelConfig, batch_size: int = 2):
    generator = torch.Generator().manual_seed(0)
    points = (torch.rand(batch_size, config.num_points, 3, generator=generator) - 0.5) * 0.1
    images = torch.rand(batch_size, 6, 3, 16, 16, generator=generator)
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


def flow_error(prediction) -> torch.Tensor:
    """Mean squared error of all velocities."""
    error = (prediction.velocity - prediction.velocity_target).square().mean()
    if prediction.mode_velocity is not None:
        error = error + (prediction.mode_velocity - prediction.mode_velocity_target).square().mean()
    return error


def taught(module: torch.nn.Module | None) -> bool:
    """Whether any parameter of a module has a gradient."""
    assert module is not None
    return any(p.grad is not None and bool(p.grad.any()) for p in module.parameters())
