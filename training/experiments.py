"""Named training runs of the grasp model."""

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any, Literal

from funcgrasp_core.errors import ConfigurationError
from funcgrasp_core.grasp_model.config import GraspModelConfig
from funcgrasp_core.grasp_model.named_configs import COMPACT, DEBUG, FUNCGRASP_V2
from funcgrasp_core.grasp_model.qwen.config import QwenSemanticConfig
from training.data.augmentation import OFF, AugmentationConfig
from training.losses.loss_config import LossConfig
from training.run.learning_rate import EpochCosine, Schedule, WarmupCosine


@dataclass(frozen=True)
class OptimisationConfig:
    """AdamW, its learning rate, and how long."""

    num_steps: int | None = 3500  # optimiser steps of the run; None: num_epochs decides
    num_epochs: int | None = None
    schedule: Schedule = field(default_factory=WarmupCosine)
    weight_decay: float = 0.05
    decayed: Literal["all", "matrices"] = "matrices"  # "all": biases and norms too, as plain AdamW does
    gradient_clip: float = 1.0  # largest norm of all gradients together
    accumulation: int = 1  # passes that share an optimiser step; the step's items and result stay the same
    ema_decay: float = 0.999  # of the averaged weights that are validated and shipped; 0 keeps none
    bfloat16: bool = True  # matrix products in bfloat16

    def __post_init__(self) -> None:
        if (self.num_steps is None) == (self.num_epochs is None):
            raise ConfigurationError("give either num_steps or num_epochs, and set the other to None")
        if (self.num_steps or self.num_epochs or 0) < 1 or self.accumulation < 1:
            raise ConfigurationError("num_steps, num_epochs and accumulation must be at least 1")
        if not 0 <= self.ema_decay < 1:
            raise ConfigurationError(f"ema_decay must be in [0, 1), got {self.ema_decay}")
        if self.gradient_clip <= 0:
            raise ConfigurationError(f"gradient_clip must be positive, got {self.gradient_clip}")
        if self.decayed not in ("all", "matrices"):
            raise ConfigurationError(f"decayed must be 'all' or 'matrices', got {self.decayed!r}")


@dataclass(frozen=True)
class ItemConfig:
    """What an epoch counts, and what a step is made of."""

    kind: Literal["groups", "grasps"] = "groups"  # an object with an intent, or a single grasp
    batch_size: int = 32  # items of an optimiser step, over all processes and accumulation steps together
    grasps_per_item: int = 4  # known grasps that share one pass of the trunk; 1 where items are grasps
    contact_points: int | None = 256  # points of an item that contact and pooling are trained on; None: all
    origin: Literal["cloud", "mesh"] = "cloud"  # centre of the box of the seen cloud, or of the whole mesh

    def __post_init__(self) -> None:
        if self.kind not in ("groups", "grasps") or self.origin not in ("cloud", "mesh"):
            raise ConfigurationError(f"unknown kind {self.kind!r} or origin {self.origin!r} of items")
        contact_points = 1 if self.contact_points is None else self.contact_points
        if min(self.batch_size, self.grasps_per_item, contact_points) < 1:
            raise ConfigurationError("batch_size, grasps_per_item and contact_points must be at least 1")
        if self.kind == "grasps" and self.grasps_per_item != 1:
            raise ConfigurationError("where items are grasps, grasps_per_item is 1")


@dataclass(frozen=True)
class ReportConfig:
    """What is logged, validated and kept, and how often; none of it changes the weights."""

    log_interval: int = 20  # steps
    checkpoint_interval: int = 500
    validation_interval: int = 500
    at_epoch_end: bool = False  # also validate and keep a state at the end of each epoch
    max_validation_items: int | None = 256  # the same ones each time; None: the whole split
    sampled_items: int = 32  # validation items that a grasp is sampled for and compared with the known ones
    qualitative_samples: int = 3  # others each time; each is drawn as predicted and as known
    qual_source: Literal["val", "test"] = "val"  # split of the qualitative samples
    best_metric: str = "total"  # of validation; its best state is kept
    best_is_lowest: bool = True
    num_kept_states: int = 2  # the newest ones, beside the best

    def __post_init__(self) -> None:
        if min(self.log_interval, self.checkpoint_interval, self.validation_interval, self.num_kept_states) < 1:
            raise ConfigurationError("intervals and num_kept_states must be at least 1")
        if min(self.sampled_items, self.qualitative_samples) < 0:
            raise ConfigurationError("sampled_items and qualitative_samples must not be negative")
        if self.max_validation_items is not None and self.max_validation_items < 1:
            raise ConfigurationError("max_validation_items must be at least 1, or None for the whole split")
        if self.qual_source not in ("val", "test"):
            raise ConfigurationError(f"qual_source must be 'val' or 'test', got {self.qual_source!r}")


FEWEST_NORMS = 20
"""Gradient norms before there is a median worth comparing with."""


@dataclass(frozen=True)
class GuardConfig:
    """When a run is stopped because its gradients explode; what is not finite stops it at once."""

    factor: float = 50.0  # times the running median of the gradient norms
    patience: int = 10  # steps in a row above that
    window: int = 100  # steps of the running median

    def __post_init__(self) -> None:
        if self.factor <= 1 or self.patience < 1 or self.window < FEWEST_NORMS:
            raise ConfigurationError(
                f"factor must exceed 1, patience must be at least 1 and window at least {FEWEST_NORMS}"
            )


@dataclass(frozen=True)
class Experiment:
    """Everything that decides a training run but the data's folder."""

    name: str
    model: GraspModelConfig
    optimisation: OptimisationConfig = field(default_factory=OptimisationConfig)
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)
    items: ItemConfig = field(default_factory=ItemConfig)
    losses: LossConfig = field(default_factory=LossConfig)
    report: ReportConfig = field(default_factory=ReportConfig)
    guard: GuardConfig = field(default_factory=GuardConfig)
    seed: int = 42

    def num_steps(self, steps_per_epoch: int) -> int:
        """Optimiser steps of the whole run."""
        settings = self.optimisation
        return settings.num_steps or (settings.num_epochs or 0) * steps_per_epoch

    def identity(self) -> str:
        """Every setting that decides the weights at a step, as text: states of one identity continue each other.

        The run's length belongs to it only where the learning rate or the targets depend on the length.
        """
        settings = dataclasses.asdict(self)
        del settings["report"], settings["name"]
        settings["optimisation"]["schedule"]["kind"] = type(self.optimisation.schedule).__name__
        if isinstance(self.optimisation.schedule, EpochCosine) and self.losses.tau_annealing is None:
            del settings["optimisation"]["num_steps"], settings["optimisation"]["num_epochs"]
        return json.dumps(settings, sort_keys=True)


COMPACT_EXPERIMENT = Experiment("compact", COMPACT)

FUNCGRASP_V2_EXPERIMENT = Experiment(
    "funcgrasp_v2",
    FUNCGRASP_V2,
    optimisation=OptimisationConfig(
        num_steps=None, num_epochs=100, schedule=EpochCosine(), decayed="all", ema_decay=0.0, bfloat16=False
    ),
    augmentation=OFF,
    items=ItemConfig("grasps", batch_size=32, grasps_per_item=1, contact_points=None, origin="mesh"),
    losses=LossConfig(clamp_strength=False),
    report=ReportConfig(at_epoch_end=True, max_validation_items=None),
)
"""The original pipeline's training to the letter; only the language model is in bfloat16, by its own configuration."""

QWEN_MODEL = dataclasses.replace(
    COMPACT,
    name="qwen",
    geometry=dataclasses.replace(FUNCGRASP_V2.geometry, radius_unit="object", coordinate_scale=10.0, layer_norm=True),
    semantic=QwenSemanticConfig(name_views=True),
    semantic_size=256,
    fusion=dataclasses.replace(COMPACT.fusion, feedforward=2048),
    contact_hidden=256,
    flow=dataclasses.replace(COMPACT.flow, width=1024),
)
"""`funcgrasp_v2`'s sizes and language model with what `compact` does better: palm modes, targets in the palm's frame
and normalised, fusion over the sampled points, radii and coordinates that follow the object's size."""

QWEN_EXPERIMENT = Experiment(
    "qwen",
    QWEN_MODEL,
    optimisation=OptimisationConfig(num_steps=30_000, schedule=WarmupCosine(highest=2e-4, warmup_steps=500)),
    augmentation=AugmentationConfig(brightness=0.0),  # features of views are stored
    report=ReportConfig(max_validation_items=None),
)

DEBUG_EXPERIMENT = Experiment(
    "debug",
    DEBUG,
    optimisation=OptimisationConfig(num_steps=6, schedule=WarmupCosine(warmup_steps=2), bfloat16=False),
    items=ItemConfig(batch_size=2, grasps_per_item=2, contact_points=64),
    report=ReportConfig(
        log_interval=1,
        checkpoint_interval=2,
        validation_interval=3,
        max_validation_items=2,
        sampled_items=2,
        qualitative_samples=1,
    ),
)

EXPERIMENTS = {
    experiment.name: experiment
    for experiment in (COMPACT_EXPERIMENT, FUNCGRASP_V2_EXPERIMENT, QWEN_EXPERIMENT, DEBUG_EXPERIMENT)
}

DEBUG_STEPS = 10
"""Steps of a run in debug mode: two validations, less than four minutes on two CPU cores; `--steps` overrides it."""

DEBUG_BATCH_SIZE = 2
"""Items of a step in debug mode; `--batch-size` overrides it."""


def get_experiment(name: str) -> Experiment:
    """An experiment by name.

    Raises:
        ConfigurationError: there is none of that name.
    """
    if name not in EXPERIMENTS:
        raise ConfigurationError(f"no experiment '{name}'; there are {', '.join(EXPERIMENTS)}")
    return EXPERIMENTS[name]


def with_optimisation(experiment: Experiment, **changes: Any) -> Experiment:
    """The experiment with other values in `optimisation`."""
    return dataclasses.replace(experiment, optimisation=dataclasses.replace(experiment.optimisation, **changes))


def with_items(experiment: Experiment, **changes: Any) -> Experiment:
    """The experiment with other values in `items`."""
    return dataclasses.replace(experiment, items=dataclasses.replace(experiment.items, **changes))


def with_qwen_tuning(experiment: Experiment, tuning: str) -> Experiment:
    """The experiment with another way of tuning its language model; tuned in full in bfloat16, it keeps no averages.

    Raises:
        ConfigurationError: its model has none, or there is no such way.
    """
    semantic = experiment.model.semantic
    if not isinstance(semantic, QwenSemanticConfig):
        raise ConfigurationError(f"the model of '{experiment.name}' has no Qwen2.5-VL whose tuning could be '{tuning}'")
    model = dataclasses.replace(experiment.model, semantic=dataclasses.replace(semantic, tuning=tuning))
    changed = dataclasses.replace(experiment, model=model)
    # An average of bfloat16 weights would stand still: a thousandth of a difference is below their resolution.
    stands_still = tuning == "full" and semantic.dtype == "bfloat16"
    return with_optimisation(changed, ema_decay=0.0) if stands_still else changed


def with_qwen_in_float32(experiment: Experiment) -> Experiment:
    """The experiment with its language model, if it has one, in float32."""
    semantic = experiment.model.semantic
    if not isinstance(semantic, QwenSemanticConfig):
        return experiment
    model = dataclasses.replace(experiment.model, semantic=dataclasses.replace(semantic, dtype="float32"))
    return dataclasses.replace(experiment, model=model)


def in_debug_mode(experiment: Experiment) -> Experiment:
    """The same model and objective, looked at after every step: a few small steps, 50 items to validate."""
    report = dataclasses.replace(
        experiment.report,
        log_interval=1,
        checkpoint_interval=5,
        validation_interval=5,
        max_validation_items=50,
        sampled_items=min(experiment.report.sampled_items, 4),
    )
    short = with_optimisation(experiment, num_steps=DEBUG_STEPS, num_epochs=None)
    return dataclasses.replace(with_items(short, batch_size=DEBUG_BATCH_SIZE), report=report)
