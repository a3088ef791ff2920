"""The small training that every ablation varies: `compact` with everything smaller, about 100 CPU seconds a run."""

import dataclasses

from funcgrasp_core.grasp_model.config import CompactSemanticConfig, FlowConfig, PalmModeConfig, SetAbstractionConfig
from funcgrasp_core.grasp_model.named_configs import COMPACT
from training.experiments import (
    DEBUG_EXPERIMENT,
    Experiment,
    ItemConfig,
    OptimisationConfig,
    ReportConfig,
)
from training.run.learning_rate import WarmupCosine

NUM_STEPS = 600
"""Optimiser steps of a run: 8 epochs of the procedural data's 1,200 objects and intents."""

_MODEL = dataclasses.replace(
    COMPACT,
    name="ablation",
    num_points=256,
    geometry=dataclasses.replace(
        COMPACT.geometry,
        first=SetAbstractionConfig(96, 0.2, 16, (32, 48)),
        second=SetAbstractionConfig(32, 0.4, 16, (64,)),
        global_widths=(64,),
        propagation_widths=(64, 64),
    ),
    semantic=CompactSemanticConfig(width=64, text_layers=1, view_size=32, view_widths=(16, 32, 64)),
    semantic_size=64,
    fusion=dataclasses.replace(COMPACT.fusion, layers=2, heads=4, feedforward=256),
    contact_hidden=64,
    mode=PalmModeConfig(flow=FlowConfig(128, 2, True, 64, 20, "euler", 2), local_width=128),
    flow=FlowConfig(256, 2, True, 64, 20, "euler", 2),
)

ABLATION_EXPERIMENT = Experiment(
    "ablation",
    _MODEL,
    optimisation=OptimisationConfig(
        num_steps=NUM_STEPS, schedule=WarmupCosine(3e-3, 1e-5, warmup_steps=40), ema_decay=0.99, bfloat16=False
    ),
    items=ItemConfig(batch_size=16, grasps_per_item=4, contact_points=128),
    report=ReportConfig(
        log_interval=50,
        checkpoint_interval=100,
        validation_interval=NUM_STEPS,
        max_validation_items=16,
        sampled_items=0,
        qualitative_samples=0,
        num_kept_states=1,
    ),
)
"""A sixth of `compact`'s steps, half of its batch, a quarter of its points; float32, and 20 steps for the grasp."""

DEBUG_ABLATION_EXPERIMENT = dataclasses.replace(
    DEBUG_EXPERIMENT,
    report=dataclasses.replace(DEBUG_EXPERIMENT.report, sampled_items=0, qualitative_samples=0, num_kept_states=1),
)
"""The same in seconds, for tests: its figures mean nothing."""

BASES = {"ablation": ABLATION_EXPERIMENT, "debug": DEBUG_ABLATION_EXPERIMENT}
"""Every base by its name."""
