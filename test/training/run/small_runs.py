"""A tiny data set in memory and trainings on it that take a second."""

import dataclasses
import sys
from pathlib import Path

import torch

from funcgrasp_core.contracts import VIEW_SLOTS
from funcgrasp_core.grasp_model.grasp_model import build_grasp_model
from funcgrasp_core.grasp_model.named_configs import DEBUG
from training.data.observation_store import GraspGroup, ObservationStore
from training.experiments import (
    DEBUG_EXPERIMENT,
    FUNCGRASP_V2_EXPERIMENT,
    Experiment,
    with_items,
    with_optimisation,
)
from training.run.checkpoint_store import CheckpointStore
from training.run.grasp_trainer import GraspTrainer, make_accelerator
from training.run.run_log import RunLog

QUICK = dataclasses.replace(
    DEBUG_EXPERIMENT, report=dataclasses.replace(DEBUG_EXPERIMENT.report, sampled_items=1, qualitative_samples=0)
)
"""`debug` without pages."""

NUM_GROUPS = 6
GRASPS_PER_GROUP = 3


def small_store(seed: int) -> ObservationStore:
    """6 objects with 3 grasps each."""
    generator = torch.Generator().manual_seed(seed)
    num_grasps = NUM_GROUPS * GRASPS_PER_GROUP
    orders = [torch.randperm(256, generator=generator) for _ in range(2 * NUM_GROUPS)]
    return ObservationStore(
        (torch.rand(NUM_GROUPS, 256, 3, generator=generator) - 0.5) * 0.1,
        torch.stack(orders).view(NUM_GROUPS, 2, 256),
        torch.randint(256, (NUM_GROUPS, 3, len(VIEW_SLOTS), 16, 16, 3), generator=generator, dtype=torch.uint8),
        torch.ones(NUM_GROUPS, 3, len(VIEW_SLOTS), dtype=torch.bool),
        torch.tensor([0.0, 0.5, 1.0]),
        0.1 * torch.randn(num_grasps, 61, generator=generator),
        (torch.rand(num_grasps, 256, 6, generator=generator) * 0.1).half(),
        tuple(
            GraspGroup(number, ("mug", "bowl")[number % 2], ("use", "liftup")[number % 2], torch.arange(3) + 3 * number)
            for number in range(NUM_GROUPS)
        ),
        object_ids=tuple(f"C{number:05d}" for number in range(NUM_GROUPS)),
    )


def without_dropout(experiment: Experiment) -> Experiment:
    """The experiment with a model that draws nothing at random but what its samples' streams give."""
    semantic = experiment.model.semantic
    assert semantic is not None
    model = dataclasses.replace(
        experiment.model,
        semantic=dataclasses.replace(semantic, word_dropout=0.0),
        fusion=dataclasses.replace(experiment.model.fusion, dropout=0.0),
    )
    return dataclasses.replace(experiment, model=model)


def small_funcgrasp_v2() -> Experiment:
    """`funcgrasp_v2`'s training and kind of model, small, with the embedded semantic encoder."""
    v2 = FUNCGRASP_V2_EXPERIMENT
    geometry = dataclasses.replace(
        DEBUG.geometry, radius_unit="metre", coordinate_scale=1.0, layer_norm=False, propagation_widths=(32, 32)
    )
    model = dataclasses.replace(
        v2.model,
        num_points=128,
        geometry=geometry,
        semantic=DEBUG.semantic,
        semantic_size=32,
        fusion=dataclasses.replace(v2.model.fusion, layers=1, heads=2, feedforward=64),
        contact_hidden=32,
        flow=dataclasses.replace(v2.model.flow, width=64, time_size=16, num_steps=4),
    )
    small = with_items(dataclasses.replace(v2, model=model), batch_size=4)
    small = with_optimisation(small, num_steps=6, num_epochs=None)
    return dataclasses.replace(small, report=QUICK.report)


def make_trainer(
    folder: Path, experiment: Experiment = QUICK, dtype=torch.float32, frozen: str = "", teacher=None, origin=None
) -> GraspTrainer:
    """A trainer whose runs leave everything in a folder; equal calls give equal runs.

    Weights whose names begin with `frozen` are not trained. Stores have the experiment's origin if none is given.
    """
    accelerator = make_accelerator()
    stores = {
        split: dataclasses.replace(small_store(seed), origin=origin or experiment.items.origin)
        for split, seed in (("train", 0), ("val", 1))
    }
    torch.manual_seed(0)
    model = build_grasp_model(experiment.model)
    model.fit_targets(stores["train"].vectors_at_random_yaws(torch.Generator().manual_seed(0)))
    phrasings = {
        split: lambda group: (f"{group.intent} the {group.category}", f"{group.intent} it") for split in stores
    }
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(not frozen or not name.startswith(frozen))
    log = RunLog(folder, is_silent=not accelerator.is_main_process)
    checkpoints = CheckpointStore(folder / "states", experiment.report.num_kept_states)
    return GraspTrainer(experiment, model.to(dtype), stores, phrasings, checkpoints, log, accelerator, teacher)


if __name__ == "__main__":
    long = dataclasses.replace(QUICK.optimisation, num_steps=int(sys.argv[2]))
    make_trainer(Path(sys.argv[1]), dataclasses.replace(QUICK, optimisation=long)).run()
