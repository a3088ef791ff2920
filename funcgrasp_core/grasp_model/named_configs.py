"""The grasp model's configurations that have a name."""

import dataclasses

from funcgrasp_core.grasp_model.config import (
    CompactSemanticConfig,
    FlowConfig,
    FusionConfig,
    GraspModelConfig,
    PalmModeConfig,
    PointNet2Config,
    SetAbstractionConfig,
)

FUNCGRASP_V2 = GraspModelConfig()
"""The original pipeline's sizes, radii in metres and midpoint-time integrator, to the letter."""

COMPACT = GraspModelConfig(
    name="compact",
    geometry=PointNet2Config(
        first=SetAbstractionConfig(192, 0.2, 16, (32, 64, 96)),
        second=SetAbstractionConfig(64, 0.4, 16, (128, 128)),
        global_widths=(256, 128),
        propagation_widths=(128, 128),
        radius_unit="object",
        coordinate_scale=10.0,
        layer_norm=True,
    ),
    semantic=CompactSemanticConfig(),
    semantic_size=128,
    fusion=FusionConfig(over="samples", layers=4, heads=8, feedforward=512, dropout=0.0, activation="gelu"),
    contact_hidden=128,
    mode=PalmModeConfig(),
    parameterisation="joint_basis",
    normalise_targets=True,
    flow=FlowConfig(width=512, layers=3, residual=True, num_steps=2, integrator="euler", time_draws=4),
)
"""The embedded default: no language model, d = 256, fusion over the sampled points, runs on two CPU cores."""

DEBUG = dataclasses.replace(
    COMPACT,
    name="debug",
    num_points=128,
    geometry=dataclasses.replace(
        COMPACT.geometry,
        first=SetAbstractionConfig(32, 0.3, 8, (16, 32)),
        second=SetAbstractionConfig(16, 0.6, 8, (32,)),
        global_widths=(32,),
        propagation_widths=(32,),
    ),
    semantic=CompactSemanticConfig(
        num_buckets=256, width=32, text_layers=1, heads=2, view_size=16, view_widths=(8, 16)
    ),
    semantic_size=32,
    fusion=dataclasses.replace(COMPACT.fusion, layers=1, heads=2, feedforward=64),
    contact_hidden=32,
    mode=PalmModeConfig(flow=FlowConfig(64, 1, True, 16, 4, "euler", 2), local_width=32),
    flow=FlowConfig(64, 1, True, 16, 4, "euler", 2),
)
"""Trains in seconds on a CPU; for tests."""

CONFIGS = {config.name: config for config in (FUNCGRASP_V2, COMPACT, DEBUG)}
