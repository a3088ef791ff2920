import dataclasses
import json

import pytest

from funcgrasp_core.errors import ConfigurationError
from funcgrasp_core.grasp_model.named_configs import FUNCGRASP_V2
from funcgrasp_core.grasp_model.qwen.config import QwenSemanticConfig
from training.data.augmentation import OFF
from training.experiments import (
    COMPACT_EXPERIMENT,
    EXPERIMENTS,
    FUNCGRASP_V2_EXPERIMENT,
    ItemConfig,
    OptimisationConfig,
    ReportConfig,
    get_experiment,
    in_debug_mode,
    with_items,
    with_optimisation,
    with_qwen_tuning,
)
from training.run.learning_rate import EpochCosine


def test_funcgrasp_v2_is_what_its_document_states():
    experiment = FUNCGRASP_V2_EXPERIMENT
    assert experiment.model == FUNCGRASP_V2
    settings = experiment.optimisation
    assert settings.schedule == EpochCosine(highest=1e-4, lowest=1e-6, num_epochs=100)
    assert (settings.weight_decay, settings.decayed, settings.gradient_clip) == (0.05, "all", 1.0)
    assert (settings.num_epochs, settings.num_steps, settings.accumulation) == (100, None, 1)
    assert settings.ema_decay == 0.0
    assert experiment.items == ItemConfig("grasps", 32, 1, None, "mesh")
    losses = experiment.losses
    assert (losses.contact_weight, losses.flow_weight) == (1.5, 1.0)
    assert (losses.soft_target_tau_m, losses.no_contact_weight) == (0.01, 0.1)
    assert not losses.clamp_strength
    report = experiment.report
    assert (report.log_interval, report.checkpoint_interval, report.validation_interval) == (20, 500, 500)
    assert report.at_epoch_end
    assert report.max_validation_items is None
    assert (report.qualitative_samples, report.qual_source) == (3, "val")
    assert experiment.augmentation == OFF
    assert (experiment.seed, experiment.model.flow.num_steps) == (42, 20)
    assert experiment.num_steps(steps_per_epoch=1217) == 121_700


def test_debug_mode_looks_after_every_step():
    report = in_debug_mode(FUNCGRASP_V2_EXPERIMENT).report
    assert (report.log_interval, report.checkpoint_interval, report.validation_interval) == (1, 5, 5)
    assert report.max_validation_items == 50
    assert in_debug_mode(FUNCGRASP_V2_EXPERIMENT).model == FUNCGRASP_V2


def test_every_experiment_has_its_name_and_its_identity():
    assert all(experiment.name == name for name, experiment in EXPERIMENTS.items())
    assert {"compact", "funcgrasp_v2", "qwen", "debug"} <= EXPERIMENTS.keys()
    assert len({experiment.identity() for experiment in EXPERIMENTS.values()}) == len(EXPERIMENTS)
    with pytest.raises(ConfigurationError, match="no experiment 'compct'; there are compact, funcgrasp_v2"):
        get_experiment("compct")


@pytest.mark.parametrize(
    "changed",
    [
        dataclasses.replace(COMPACT_EXPERIMENT, seed=1),
        dataclasses.replace(COMPACT_EXPERIMENT, augmentation=OFF),
        with_items(COMPACT_EXPERIMENT, batch_size=64),
        with_optimisation(COMPACT_EXPERIMENT, num_steps=10),
        with_optimisation(COMPACT_EXPERIMENT, ema_decay=0.9),
        with_optimisation(COMPACT_EXPERIMENT, schedule=EpochCosine()),
    ],
)
def test_what_decides_the_weights_changes_the_identity(changed):
    assert changed.identity() != COMPACT_EXPERIMENT.identity()
    json.loads(changed.identity())


def test_what_is_only_looked_at_does_not_change_the_identity():
    looked_at = dataclasses.replace(COMPACT_EXPERIMENT, report=ReportConfig(log_interval=1))
    assert looked_at.identity() == COMPACT_EXPERIMENT.identity()
    longer = with_optimisation(FUNCGRASP_V2_EXPERIMENT, num_epochs=120)
    assert longer.identity() == FUNCGRASP_V2_EXPERIMENT.identity()


def test_the_language_models_tuning():
    full = with_qwen_tuning(FUNCGRASP_V2_EXPERIMENT, "full").model.semantic
    assert isinstance(full, QwenSemanticConfig)
    assert full.tuning == "full"
    with pytest.raises(ConfigurationError, match=r"has no Qwen2\.5-VL"):
        with_qwen_tuning(COMPACT_EXPERIMENT, "full")
    with pytest.raises(ConfigurationError, match="tuning must be one of"):
        with_qwen_tuning(FUNCGRASP_V2_EXPERIMENT, "half")


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: OptimisationConfig(num_steps=5, num_epochs=5),
        lambda: OptimisationConfig(num_steps=None),
        lambda: OptimisationConfig(num_steps=0),
        lambda: OptimisationConfig(accumulation=0),
        lambda: OptimisationConfig(ema_decay=1.0),
        lambda: OptimisationConfig(gradient_clip=0.0),
        lambda: OptimisationConfig(decayed="some"),  # type: ignore[arg-type]
        lambda: ItemConfig("objects"),  # type: ignore[arg-type]
        lambda: ItemConfig("grasps", grasps_per_item=2),
        lambda: ItemConfig(batch_size=0),
        lambda: ItemConfig(contact_points=-1),
        lambda: ReportConfig(log_interval=0),
        lambda: ReportConfig(max_validation_items=0),
        lambda: ReportConfig(qualitative_samples=-1),
        lambda: ReportConfig(qual_source="train"),  # type: ignore[arg-type]
    ],
)
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(ConfigurationError):
        wrong()
