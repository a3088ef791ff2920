"""Named training runs of the grasp model."""

import dataclasses
import json
from dataclasses import dataclass, field

from funcgrasp_core.errors import ConfigurationError
from funcgrasp_core.grasp_model.config import GraspModelConfig
from funcgrasp_core.grasp_model.named_configs import COMPACT, DEBUG
from training.data.augmentation import AugmentationConfig
from training.losses.loss_config import LossConfig


@dataclass(frozen=True)
class OptimisationConfig:
    """AdamW with linear warm-up and cosine decay over a fixed number of steps."""

    num_steps: int = 3500
    learning_rate: float = 6e-4
    final_learning_rate: float = 1e-6
    warmup_steps: int = 200
    weight_decay: float = 0.05
    gradient_clip: float = 1.0  # largest norm of all gradients together
    ema_decay: float = 0.999  # of the averaged weights that are validated and shipped; 0 keeps none
    bfloat16: bool = True  # matrix products in bfloat16


@dataclass(frozen=True)
class Experiment:
    """Everything that decides a training run but the data's folder."""

    name: str
    model: GraspModelConfig
    optimisation: OptimisationConfig = field(default_factory=OptimisationConfig)
    augmentation: AugmentationConfig = field(default_factory=AugmentationConfig)
    observations_per_batch: int = 32
    grasps_per_observation: int = 4  # known grasps that share one pass of the trunk
    contact_points: int = 256  # points of an observation that contact and pooling are trained on
    losses: LossConfig = field(default_factory=LossConfig)
    log_interval: int = 20  # steps
    checkpoint_interval: int = 500
    validation_interval: int = 500
    max_validation_batches: int = 8
    seed: int = 42


COMPACT_EXPERIMENT = Experiment("compact", COMPACT)

DEBUG_EXPERIMENT = Experiment(
    "debug",
    DEBUG,
    optimisation=OptimisationConfig(num_steps=6, warmup_steps=2, bfloat16=False),
    observations_per_batch=2,
    grasps_per_observation=2,
    log_interval=1,
    checkpoint_interval=2,
    validation_interval=3,
    max_validation_batches=1,
)

EXPERIMENTS = {experiment.name: experiment for experiment in (COMPACT_EXPERIMENT, DEBUG_EXPERIMENT)}


def get_experiment(name: str, num_steps: int | None = None) -> Experiment:
    """An experiment by name, with another number of steps if given.

    Raises:
        ConfigurationError: there is none of that name.
    """
    if name not in EXPERIMENTS:
        raise ConfigurationError(f"no experiment '{name}'; there are {', '.join(EXPERIMENTS)}")
    experiment = EXPERIMENTS[name]
    if num_steps is not None:
        optimisation = dataclasses.replace(experiment.optimisation, num_steps=num_steps)
        experiment = dataclasses.replace(experiment, optimisation=optimisation)
    return experiment


def experiment_as_json(experiment: Experiment) -> str:
    """Every setting as text, to tell whether two runs are of the same experiment."""
    return json.dumps(dataclasses.asdict(experiment), sort_keys=True)
