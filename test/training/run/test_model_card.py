import dataclasses
import json
from pathlib import Path

import pytest
from small_runs import small_store

from funcgrasp_core.grasp_model.grasp_model import build_grasp_model
from training.data.augmentation import OFF
from training.data.data_sets import DataSource
from training.data.mixed_store import MixedStore
from training.experiments import DEBUG_EXPERIMENT, FUNCGRASP_V2_EXPERIMENT
from training.run.model_card import TrainedRun, count_parameters, model_card


@pytest.fixture
def store():
    return small_store(0)


@pytest.fixture
def run(store):
    return TrainedRun(
        DEBUG_EXPERIMENT,
        "python -m training.train_grasp_model --experiment debug",
        {"step": "6", "cpu_seconds": "12"},
        [DataSource("oakink", Path("/data/oakink"))],
        {"train": store, "val": store},
        {"total": {"train": [(6, 9.0)], "val": [(3, 2.5), (6, 1.25)]}, "f1": {"val": [(6, 0.5)]}},
        (120_000, 1_000),
    )


def test_card_says_what_was_trained_on_what_and_how_it_did(run, store):
    card = model_card(run)
    assert card.startswith("# debug, trained as `debug`\n")
    assert "- 120,000 parameters, of which 1,000 were trained\n" in card
    assert "- oakink, `/data/oakink`, 100% of an epoch\n" in card
    categories = sorted({group.category for group in store.groups})
    assert f"- val: {store.num_objects} objects, {store.num_grasps} grasps; {', '.join(categories)}\n" in card
    assert "```\npython -m training.train_grasp_model --experiment debug\n```" in card
    assert "| cpu seconds | 12 |" in card
    assert "On held-out objects, at step 6:" in card
    assert "| total | 1.25 |\n| f1 | 0.5 |" in card
    assert "2.5" not in card.split("## Validation")[1].split("##")[0], "an earlier validation"
    settings = json.loads(card.split("```json\n")[1].removesuffix("\n```\n"))
    assert settings["optimisation"]["num_steps"] == DEBUG_EXPERIMENT.optimisation.num_steps


def test_shares_of_a_mixture_add_up(run, store):
    sources = [DataSource("oakink", Path("a"), 3.0), DataSource("dexfuncgrasp", Path("b"), 1.0)]
    mixed = MixedStore([store, store], [3.0, 1.0])
    card = model_card(dataclasses.replace(run, sources=sources, stores={"train": mixed}))
    assert "- oakink, `a`, 75% of an epoch\n- dexfuncgrasp, `b`, 25% of an epoch\n" in card
    assert f"- train: {2 * store.num_objects} objects" in card


def test_run_without_validation_says_so(run):
    assert "ended before its first validation" in model_card(dataclasses.replace(run, curves={}))


def test_limits_follow_from_how_it_was_trained(run):
    unvaried = dataclasses.replace(DEBUG_EXPERIMENT, augmentation=OFF)
    assert "whole clouds only" not in model_card(run)
    assert "whole clouds only" in model_card(dataclasses.replace(run, experiment=unvaried))
    assert "always saw views" in model_card(dataclasses.replace(run, experiment=unvaried))


def test_language_model_and_kind_are_named(run):
    card = model_card(dataclasses.replace(run, experiment=FUNCGRASP_V2_EXPERIMENT))
    assert "Qwen2.5-VL, tuning `lora`" in card
    assert "kind: one contact map" in card
    assert "kind: a palm pose first" in model_card(run)


def test_parameters_are_counted():
    model = build_grasp_model(DEBUG_EXPERIMENT.model)
    total = sum(parameter.numel() for parameter in model.parameters())
    assert count_parameters(model) == (total, total)
    model.requires_grad_(requires_grad=False)
    assert count_parameters(model) == (total, 0)
