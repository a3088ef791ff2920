import dataclasses

import pytest
import torch

from funcgrasp_core.errors import ConfigurationError
from funcgrasp_core.grasp_model.grasp_model import build_grasp_model
from training.ablation.base_experiment import BASES
from training.ablation.measures import MEASURES
from training.ablation.variants import ablation_variants

VARIANTS = ablation_variants(BASES["debug"])

SAMPLING_ONLY = {
    "base": {
        "euler_midpoint_time",
        "heun",
        "rk4",
        "heun_half",
        "rk4_quarter",
        "few_steps",
        "few_grasp_steps",
        "refinements_0",
        "refinements_2",
        "last_weights",
        "views_hidden",
    },
    "guidance_1": {"guidance_1.5", "guidance_2", "guidance_3"},
    "reflow": {"reflow_few_steps"},
    "trained_twice": {"trained_twice_few_steps"},
}


def training_digest(name):
    variant = VARIANTS[name]
    return variant.training_digest("data", "" if variant.teacher is None else training_digest(variant.teacher))


def digest(name):
    variant = VARIANTS[name]
    return variant.digest("data", "" if variant.teacher is None else training_digest(variant.teacher))


@pytest.mark.parametrize("base", sorted(BASES))
def test_every_variant_differs_from_every_other(base):
    variants = ablation_variants(BASES[base])
    assert len({v.digest("data", v.teacher or "") for v in variants.values()}) == len(variants)
    assert next(iter(variants)) == "base"


def test_variants_are_compared_with_variants_and_excuse_known_measures():
    names = {measure.name for measure in MEASURES}
    for name, variant in VARIANTS.items():
        assert variant.compared_with in VARIANTS or name == "base"
        assert set(variant.not_comparable) <= names


def test_variants_share_weights_where_only_sampling_differs():
    shared = {name for names in SAMPLING_ONLY.values() for name in names}
    for name in VARIANTS:
        owners = [owner for owner, names in SAMPLING_ONLY.items() if name == owner or name in names]
        owner = owners[0] if owners else name
        assert training_digest(name) == training_digest(owner)
    assert len({training_digest(name) for name in VARIANTS}) == len(VARIANTS) - len(shared)


@pytest.mark.parametrize("owner", sorted(SAMPLING_ONLY))
def test_shared_weights_fit(owner):
    shapes = {name: t.shape for name, t in build_grasp_model(VARIANTS[owner].experiment.model).state_dict().items()}
    for name in SAMPLING_ONLY[owner]:
        model = build_grasp_model(VARIANTS[name].experiment.model)
        assert {key: tensor.shape for key, tensor in model.state_dict().items()} == shapes


def test_digests_follow_what_matters_and_nothing_else():
    base = VARIANTS["base"]
    renamed = dataclasses.replace(base, name="other", option="other words", compared_with="")
    assert renamed.digest("data") == base.digest("data") != base.digest("other data")
    seeded = dataclasses.replace(base, experiment=dataclasses.replace(base.experiment, seed=7))
    assert seeded.digest("data") == base.digest("data")
    report = dataclasses.replace(base.experiment.report, log_interval=7)
    reported = dataclasses.replace(base, experiment=dataclasses.replace(base.experiment, report=report))
    assert reported.digest("data") == base.digest("data")
    optimisation = dataclasses.replace(base.experiment.optimisation, weight_decay=0.01)
    decayed = dataclasses.replace(base, experiment=dataclasses.replace(base.experiment, optimisation=optimisation))
    assert decayed.training_digest("data") != base.training_digest("data")
    student = VARIANTS["reflow"]
    assert student.training_digest("data", "one teacher") != student.training_digest("data", "another")


def test_every_variant_has_a_model():
    torch.manual_seed(0)
    seen = set()
    for variant in VARIANTS.values():
        text = variant.experiment.model.to_json()
        if text not in seen:
            seen.add(text)
            model = build_grasp_model(variant.experiment.model)
            assert sum(parameter.numel() for parameter in model.parameters()) > 1000
    assert len(seen) > 15


def test_a_base_without_what_variants_take_away_is_refused():
    base = BASES["debug"]
    plain = dataclasses.replace(base, model=dataclasses.replace(base.model, mode=None))
    with pytest.raises(ConfigurationError, match="needs a palm mode"):
        ablation_variants(plain)


def test_every_option_of_the_project_has_a_row():
    assert set(VARIANTS) >= {
        *("tau_annealing", "focal", "spatial", "rk4", "heun", "reflow", "guidance_2", "multi_scale"),
        *("attention_pooling", "separate", "no_augmentation", "two_data_sets", "targets_not_kept"),
    }
