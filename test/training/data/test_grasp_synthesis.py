import dataclasses

import numpy as np
import pytest
import torch

from funcgrasp_core.errors import ConfigurationError
from funcgrasp_core.hand.joint_limits import JOINT_LOWER_RAD, JOINT_UPPER_RAD, joint_angles_from_axis_angle
from training.data.cavity_filling import CavityFilling
from training.data.functional_parts import INTENT_PARTS
from training.data.grasp_filters import FilterLimits, GraspMeasures, interior_lattice, measure_displacements
from training.data.grasp_optimisation import OptimisationSettings, optimise_grasps, start_poses
from training.data.grasp_synthesis import GraspSynthesiser, SynthesisSettings
from training.data.grasp_templates import TEMPLATES, templates_for
from training.data.grasping_hand import HandPoses
from training.data.object_families import FAMILIES, sample_surface, single_object
from training.data.synthesis_objective import NearestSkin, TouchedPads, balance_cost, penetration_cost

FEW_STEPS = SynthesisSettings(
    optimisation=OptimisationSettings(num_steps=50), num_surface_points=400, max_rounds=1, simulate=False
)


@pytest.fixture(scope="module")
def synthesiser() -> GraspSynthesiser:
    return GraspSynthesiser(settings=FEW_STEPS)


def hammers(count: int) -> dict[str, torch.Tensor]:
    return FAMILIES["hammer"].sample_parameters(count, torch.Generator().manual_seed(1))


def test_every_purposeful_pair_has_a_template_and_no_other():
    assert {(template.category, template.intent) for template in TEMPLATES} == set(INTENT_PARTS)
    assert templates_for("hammer", "sing") == ()


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda item: f"{item.category}-{item.intent}")
def test_hands_start_outside_near_the_part_with_the_palm_towards_it(template, synthesiser):
    family, generator = FAMILIES[template.category], torch.Generator().manual_seed(0)
    parameters = family.sample_parameters(6, generator)
    start = start_poses(synthesiser.hand, template, family, parameters, FEW_STEPS.optimisation, generator)
    state = synthesiser.hand(start)
    palm = state.vertices[:, synthesiser.hand.groups["palm"]]
    assert (family.signed_distance(palm, parameters) < -0.012).float().mean() < 0.1
    gap = family.signed_distance(state.vertices, parameters, template.part).amin(1)
    assert gap.max() < 0.05
    assert (start.joint_angles <= JOINT_UPPER_RAD + 1e-6).all()
    assert (start.joint_angles >= JOINT_LOWER_RAD - 1e-6).all()


def test_optimisation_brings_the_pads_to_the_part(synthesiser):
    template, family, generator = (
        templates_for("hammer", "use")[0],
        FAMILIES["hammer"],
        torch.Generator().manual_seed(0),
    )
    parameters, settings = hammers(3), FEW_STEPS.optimisation
    points = sample_surface(family, parameters, 300, generator)
    start = start_poses(synthesiser.hand, template, family, parameters, settings, generator)
    end = optimise_grasps(
        synthesiser.hand, synthesiser.self_contact, template, family, parameters, points, start, settings
    )

    def mean_gap(poses: HandPoses) -> float:
        vertices = synthesiser.hand(poses).vertices
        tips = [vertices[:, synthesiser.hand.groups[pad]] for pad in template.pads if pad.endswith("_tip")]
        gaps = [family.signed_distance(tip, parameters, "shaft").abs().amin(1) for tip in tips]
        return float(torch.stack(gaps).mean())

    assert mean_gap(end) < 0.4 * mean_gap(start)
    assert torch.equal(start.shape, end.shape)


def test_the_same_seed_gives_the_same_grasps_within_limits(synthesiser):
    first, second = (synthesiser.synthesise(FAMILIES["hammer"], hammers(2), "use", 2, seed=4) for _ in range(2))
    other = synthesiser.synthesise(FAMILIES["hammer"], hammers(2), "use", 2, seed=5)
    assert len(first.vectors) >= 1
    assert torch.equal(first.vectors, second.vectors)
    assert torch.equal(first.object_indices, second.object_indices)
    assert not torch.equal(first.vectors[:1], other.vectors[:1])
    assert torch.bincount(first.object_indices).max() <= 2
    angles = joint_angles_from_axis_angle(first.vectors[:, 3:48], synthesiser.hand.bases)
    assert (angles <= JOINT_UPPER_RAD + 1e-4).all()
    assert (angles >= JOINT_LOWER_RAD - 1e-4).all()
    assert first.report.num_attempts == 6
    assert str(first.report).startswith(f"{first.report.num_kept} kept of 6 attempts")


def test_kept_grasps_obey_the_limits_by_an_independent_measure(synthesiser):
    family, parameters = FAMILIES["hammer"], hammers(2)
    grasps = synthesiser.synthesise(family, parameters, "use", 2, seed=4)
    vertices = synthesiser.hand.layer.from_vector(grasps.vectors).vertices
    chosen = {name: values[grasps.object_indices] for name, values in parameters.items()}
    distances = family.signed_distance(vertices, chosen)
    assert distances.min() > -FEW_STEPS.limits.max_depth_m - 1e-4
    touching = distances < FEW_STEPS.limits.contact_distance_m
    on_shaft = family.part_labels(vertices, chosen) == family.part_names.index("shaft")
    assert ((touching & on_shaft).sum(1) / touching.sum(1)).min() >= FEW_STEPS.limits.min_target_share


def test_impossible_limits_keep_nothing_and_name_the_rule():
    strict = dataclasses.replace(
        FEW_STEPS, optimisation=OptimisationSettings(num_steps=4), limits=FilterLimits(min_parts_on_target=7)
    )
    grasps = GraspSynthesiser(settings=strict).synthesise(FAMILIES["hammer"], hammers(1), "use", 2, seed=0)
    assert grasps.vectors.shape == (0, 61)
    assert grasps.report.rejections["parts_on_target"] == grasps.report.num_attempts == 3


def test_unknown_intent_is_refused(synthesiser):
    with pytest.raises(ConfigurationError, match="no grasp template for intent 'hold' of category 'bottle'"):
        synthesiser.synthesise(FAMILIES["bottle"], {}, "hold", 1, seed=0)


def test_an_object_that_nothing_holds_falls(synthesiser):
    far = HandPoses(torch.eye(3)[None], torch.full((1, 3), 0.5), torch.zeros(1, 15, 3), torch.zeros(1, 10))
    moved = measure_displacements(synthesiser.hand, far, FAMILIES["hammer"], hammers(1))
    assert moved[0] == pytest.approx(0.107, abs=0.005)


def test_each_measure_breaks_its_own_rule_only():
    good = {
        "depth": 0.001,
        "object_depth": 0.001,
        "volume_cm3": 0.5,
        "self_contact": 0.0,
        "num_parts_on_target": 4,
        "target_share": 0.9,
        "thumb_gap": 0.001,
        "displacement": np.nan,
    }
    bad = {"depth": 0.004, "volume_cm3": 3.0, "target_share": 0.5, "displacement": 0.03, "thumb_gap": 0.02}
    rules = {"volume_cm3": "volume"}
    for name, value in bad.items():
        measures = GraspMeasures(**{key: np.array([number]) for key, number in {**good, name: value}.items()})
        broken = [rule for rule, failed in measures.failures(FilterLimits()).items() if failed[0]]
        assert broken == [rules.get(name, name)]


def test_filling_closes_the_cavity_and_leaves_the_outside():
    family, parameters = FAMILIES["mug"], FAMILIES["mug"].sample_parameters(4, torch.Generator().manual_seed(0))
    filling = CavityFilling.of(family, parameters)
    inside = torch.stack([filling.axis_x, torch.zeros(4), torch.zeros(4)], dim=-1)[:, None]
    outside = inside + torch.tensor([-0.08, 0.0, 0.0])
    assert (family.signed_distance(inside, parameters) > 0.02).all()
    assert (filling.distance(inside) < -0.02).all()
    assert torch.allclose(filling.distance(outside), family.signed_distance(outside, parameters), atol=0.002)


def test_lattice_counts_the_volume_of_a_bowl_wall():
    family = FAMILIES["bowl"]
    parameters = single_object(family.sample_parameters(1, torch.Generator().manual_seed(0)), 0)
    coarse, fine = (len(interior_lattice(family, parameters, spacing)) * spacing**3 for spacing in (0.003, 0.002))
    assert coarse == pytest.approx(fine, rel=0.06)


def test_penetration_cost_by_hand():
    assert penetration_cost(torch.tensor([[0.001, 0.002]])).item() == pytest.approx(0.003 + 5e-6 / 0.002)


def test_opposed_pads_balance_and_one_sided_ones_do_not():
    points = torch.tensor([[[0.02, 0.0, 0.0], [-0.02, 0.0, 0.0]]])
    opposed = TouchedPads(torch.zeros(1, 2), torch.zeros(1, 2), points, torch.tensor([[[-1.0, 0, 0], [1.0, 0, 0]]]))
    one_sided = dataclasses.replace(opposed, normals=torch.tensor([[[-1.0, 0, 0], [-1.0, 0, 0]]]))
    assert balance_cost(opposed).item() == pytest.approx(0.0, abs=1e-9)
    assert balance_cost(one_sided).item() == pytest.approx((2 / 2.5) ** 2)


def test_nearest_skin_gives_the_depth_along_the_normal():
    skin = NearestSkin(torch.tensor([[[0.0, 0.0, -0.002], [0.0, 0.0, 0.003]]]))
    with pytest.raises(RuntimeError, match="renew"):
        skin.depths(torch.zeros(1, 1, 3))
    skin.renew(torch.zeros(1, 1, 3), torch.tensor([[[0.0, 0.0, 1.0]]]))
    assert skin.depths(torch.zeros(1, 1, 3))[0].tolist() == pytest.approx([0.002, 0.0])


def test_each_mug_gets_a_template_for_its_handle():
    family = FAMILIES["mug"]
    parameters = family.sample_parameters(40, torch.Generator().manual_seed(0))
    suits = torch.stack([template.suits(parameters) for template in templates_for("mug", "use")], dim=1)
    assert suits.any(1).all()
    assert (suits.sum(0) > 5).all()
