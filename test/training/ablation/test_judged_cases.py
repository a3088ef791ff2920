import dataclasses
import math

import numpy as np
import pytest
import torch

from funcgrasp_core.contracts import CONTACT_THRESHOLD_M
from training.ablation.judged_cases import judged_cases, nearest_view_turn
from training.ablation.measures import best_matches, known_diversity_mm, vertex_distances
from training.data.instruction_phrasing import phrases
from training.data.object_families import FAMILIES

NUM_POINTS = 128


@pytest.fixture(scope="module")
def cases(store, layer):
    return judged_cases(store, layer, NUM_POINTS, seed=3)


def test_every_object_and_intent_is_asked_once_in_a_training_sentence(store, cases):
    assert [(case.category, case.intent) for case in cases] == [(g.category, g.intent) for g in store.groups]
    for case in cases:
        assert case.instruction in phrases(case.category, case.intent, "train", name_parts=False)
        assert case.points.shape == (NUM_POINTS, 3)


def test_seen_points_are_turned_and_centred_and_the_way_back_is_exact(cases):
    for case in cases:
        seen = case.seen_points
        assert torch.allclose(seen.amin(dim=0), -seen.amax(dim=0), atol=1e-6)
        assert torch.allclose(case.to_object_frame(seen), case.points, atol=1e-6)
        assert torch.equal(case.rotation[2], torch.tensor([0.0, 0.0, 1.0]))


def test_cases_depend_on_the_seed_alone(store, layer, cases):
    again = judged_cases(store, layer, NUM_POINTS, seed=3, max_cases=2)
    other = judged_cases(store, layer, NUM_POINTS, seed=4, max_cases=2)
    assert len(again) == 2
    for one, same, different in zip(cases, again, other, strict=False):
        assert torch.equal(one.seen_points, same.seen_points)
        assert (one.seed, one.instruction) == (same.seed, same.instruction)
        assert not torch.allclose(one.rotation, different.rotation, atol=1e-3)


def test_known_grasps_are_right_and_make_the_right_contact(store, layer, cases):
    for group, case in zip(store.groups, cases, strict=True):
        known = layer.from_vector(store.vectors[group.grasp_indices]).vertices
        assert float(vertex_distances(known, case.right_hands).amin(dim=1).max()) == pytest.approx(0, abs=1e-6)
        # A known hand's contact with the points, computed here from the vertices, is among the right maps.
        labels = torch.cdist(case.points, known[0])
        touched = labels.amin(dim=1).numpy() < CONTACT_THRESHOLD_M
        assert np.array_equal(case.right_maps[0].any(axis=-1), touched)
        assert best_matches(case.right_maps[:1], case.right_maps) == pytest.approx([1.0])


def test_objects_of_revolution_have_every_grasp_at_every_turn(cases):
    for case in cases:
        num_turns = {0: 36, 1: 1}[FAMILIES[case.category].symmetry_order]
        assert len(case.right_hands) == num_turns * len(case.right_grasps.unique())
    bowl = next(case for case in cases if case.category == "bowl")
    turn = torch.tensor([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    turned = bowl.right_hands[:1] @ turn.T
    assert float(vertex_distances(turned, bowl.right_hands).min()) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("yaw_deg", "expected"),
    [
        (0, (0, 0)),
        (14, (0, 0)),
        (16, (1, 0)),
        (75.1, (0, 1)),
        (89, (0, 1)),
        (200, (1, 2)),
        (346, (0, 0)),
        (344, (2, 3)),
    ],
)
def test_nearest_view_by_hand(yaw_deg, expected):
    rendered = torch.deg2rad(torch.tensor([0.0, 30.0, 60.0]))
    assert nearest_view_turn(math.radians(yaw_deg), rendered) == expected


def test_diversity_of_two_known_grasps_is_their_distance(store, layer):
    case = judged_cases(store, layer, NUM_POINTS, seed=0, max_cases=1)[0]
    first, second = (int((case.right_grasps == grasp).nonzero()[0, 0]) for grasp in (0, 1))
    grasps = torch.tensor([first, second])
    two = dataclasses.replace(case, right_hands=case.right_hands[grasps], right_grasps=torch.tensor([0, 1]))
    by_hand = float((case.right_hands[first] - case.right_hands[second]).norm(dim=-1).mean())
    assert known_diversity_mm([two]) == pytest.approx(1e3 * by_hand, rel=1e-5)
