"""Every field of an experiment does something: a small run with another value leaves something else behind."""

import dataclasses
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from config_fields import field_paths, with_value
from small_runs import QUICK, make_trainer

from funcgrasp_core.errors import ConfigurationError, FuncGraspError
from training.data.augmentation import AugmentationConfig
from training.experiments import Experiment, with_items
from training.run.learning_rate import EpochCosine, WarmupCosine

EVERYTHING = dataclasses.replace(
    with_items(QUICK, contact_points=40),
    augmentation=AugmentationConfig(single_view_probability=0.3, largest_point_dropout=0.2),
    optimisation=dataclasses.replace(QUICK.optimisation, gradient_clip=0.1),
    report=dataclasses.replace(
        QUICK.report,
        checkpoint_interval=2,
        validation_interval=4,
        qualitative_samples=1,
        max_validation_items=4,
    ),
)
"""A run in which every field can make a difference; guards that strike are tested beside the guard."""

CHANGES: dict[str, Any] = {
    "optimisation.num_steps": 4,
    "optimisation.num_epochs": 2,
    "optimisation.schedule": EpochCosine(highest=6e-4, num_epochs=2),
    "optimisation.schedule.highest": 1e-3,
    "optimisation.schedule.lowest": 1e-4,
    "optimisation.schedule.warmup_steps": 1,
    "optimisation.schedule.num_epochs": 0,
    "optimisation.weight_decay": 0.9,
    "optimisation.decayed": "all",
    "optimisation.gradient_clip": 0.01,
    "optimisation.accumulation": 3,
    "optimisation.ema_decay": 0.0,
    "optimisation.bfloat16": True,
    "augmentation.random_yaw": False,
    "augmentation.yaw_jitter_rad": 0.0,
    "augmentation.tilt_rad": 0.0,
    "augmentation.scale": 0.1,
    "augmentation.noise_m": 0.0,
    "augmentation.partial_probability": 1.0,
    "augmentation.largest_cut": 0.0,
    "augmentation.single_view_probability": 1.0,
    "augmentation.largest_point_dropout": 0.0,
    "augmentation.no_view_probability": 1.0,
    "augmentation.view_dropout": 0.9,
    "augmentation.brightness": 0.0,
    "items.kind": "grasps",
    "items.batch_size": 4,
    "items.grasps_per_item": 1,
    "items.contact_points": None,
    "items.origin": "mesh",
    "report.log_interval": 2,
    "report.checkpoint_interval": 5,
    "report.validation_interval": 2,
    "report.at_epoch_end": True,
    "report.max_validation_items": 2,
    "report.sampled_items": 2,
    "report.qualitative_samples": 0,
    "report.qual_source": "test",
    "report.best_metric": "nothing",
    "report.best_is_lowest": False,
    "report.num_kept_states": 3,
    "guard.factor": 1.0,
    "guard.patience": 0,
    "guard.window": 0,
    "seed": 7,
}

REFUSED = {
    "optimisation.num_epochs",  # beside num_steps
    "optimisation.schedule.num_epochs",
    "optimisation.accumulation",  # of a batch of two
    "augmentation.scale",  # this store cannot compute distances anew
    "items.kind",  # several grasps an item
    "items.origin",  # another one than the store's
    "report.qual_source",  # this split was not opened
    "report.best_metric",
    "guard.factor",
    "guard.patience",
    "guard.window",
}
"""Of `CHANGES`, what is refused beside the other values, when the configuration is made or by the trainer."""

LABELS = {"name"}
ELSEWHERE = frozenset({"GraspModelConfig", "LossConfig"})


def changed(path: str) -> Experiment:
    if path == "optimisation.schedule.num_epochs":
        return with_value(EVERYTHING, "optimisation.schedule", EpochCosine(num_epochs=CHANGES[path]))
    return with_value(EVERYTHING, path, CHANGES[path])


def left_behind(folder: Path, experiment: Experiment) -> dict[str, Any]:
    """Weights, numbers, log lines without their times, and the names of all files of a run."""
    trainer = make_trainer(folder, experiment, origin="cloud")
    trainer.run()
    log = re.sub(r"^\S+ \S+ ", "", (folder / "logs" / "run.log").read_text(), flags=re.MULTILINE)
    files = {
        str(path.relative_to(folder)): path.readlink().name if path.is_symlink() else ""
        for path in folder.rglob("*")
        if path.relative_to(folder).parts[0] in ("states", "visualizations")
    }
    numbers = [line for line in (folder / "metrics.csv").read_text().splitlines() if ",cpu_seconds," not in line]
    return {
        "weights": torch.cat([p.detach().flatten() for p in trainer.model.parameters()]),
        "numbers": numbers,
        "log": log.replace(str(folder), ""),
        "files": files,
    }


def differs(one: dict[str, Any], other: dict[str, Any]) -> bool:
    same_weights = torch.equal(one["weights"], other["weights"])
    return not same_weights or any(one[name] != other[name] for name in ("numbers", "log", "files"))


@pytest.fixture(scope="module")
def usual(tmp_path_factory):
    return left_behind(tmp_path_factory.mktemp("usual"), EVERYTHING)


def test_every_field_has_a_changed_value():
    assert set(field_paths(Experiment, elsewhere=ELSEWHERE)) == set(CHANGES) | LABELS


def test_equal_runs_leave_the_same_behind(usual, tmp_path):
    assert isinstance(EVERYTHING.optimisation.schedule, WarmupCosine)
    assert not differs(usual, left_behind(tmp_path, dataclasses.replace(EVERYTHING, name="other")))


@pytest.mark.parametrize("path", sorted(set(CHANGES) - REFUSED))
def test_a_changed_field_changes_the_run(path, usual, tmp_path):
    assert differs(usual, left_behind(tmp_path, changed(path)))


@pytest.mark.parametrize("path", sorted(REFUSED))
def test_a_value_that_contradicts_the_others_is_refused(path, tmp_path):
    with pytest.raises((ConfigurationError, FuncGraspError)):
        left_behind(tmp_path, changed(path))
