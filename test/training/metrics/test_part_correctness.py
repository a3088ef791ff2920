"""Which part a grasp touches, the mean over pairs, and the swap of instructions, on a two-part box."""

import math

import numpy as np
import pytest

from training.metrics.exact_mesh import ExactMesh
from training.metrics.intent_swap import swap_successes
from training.metrics.part_correctness import NO_PART, mean_over_pairs, touched_part

pytest.importorskip("open3d")
trimesh = pytest.importorskip("trimesh")

LEFT, RIGHT = 0, 1


def labels(points):
    """The box's left half is part 0, its right half part 1."""
    return (points[:, 0] > 0).astype(int)


def two_part_box():
    mesh = trimesh.creation.box([0.2, 0.04, 0.04])
    return ExactMesh(mesh.vertices, mesh.faces)


def hand_over(xs, height=0.022):
    return np.array([[x, 0.0, height] for x in xs])


def test_the_majority_of_the_contact_vertices_decides():
    touched = touched_part(hand_over([-0.05, -0.04, 0.03]), two_part_box(), labels, 2)
    assert touched.part == LEFT
    np.testing.assert_allclose(touched.shares, [2 / 3, 1 / 3])


def test_vertices_that_do_not_touch_do_not_vote():
    touching, away = hand_over([-0.05]), hand_over([0.03] * 9, height=0.03)
    assert touched_part(np.concatenate([touching, away]), two_part_box(), labels, 2).part == LEFT


def test_half_is_no_majority_and_no_contact_no_part():
    assert touched_part(hand_over([-0.05, 0.05]), two_part_box(), labels, 2).part == NO_PART
    away = touched_part(hand_over([0.05], height=0.1), two_part_box(), labels, 2)
    assert away.part == NO_PART
    np.testing.assert_array_equal(away.shares, [0.0, 0.0])


def test_the_mean_is_over_pairs_with_a_small_part():
    """mug use 1/3, bowl liftup 1/1; the bottle's body takes 70 % of its surface and does not count."""
    pairs = [("mug", "use")] * 3 + [("bowl", "liftup")] + [("bottle", "use")] * 2
    correct = [True, False, False, True, False, False]
    shares = {("mug", "use"): 0.2, ("bowl", "liftup"): 0.3, ("bottle", "use"): 0.7}
    assert mean_over_pairs(correct, pairs, shares) == pytest.approx((1 / 3 + 1) / 2)
    assert math.isnan(mean_over_pairs(correct[4:], pairs[4:], shares))


def test_a_swap_counts_when_the_touched_part_changes_to_the_one_called_for():
    called_for = {("a", "use"): LEFT, ("a", "handover"): RIGHT, ("a", "hold"): LEFT, ("b", "use"): LEFT}
    touched = {("a", "use"): LEFT, ("a", "handover"): RIGHT, ("a", "hold"): RIGHT, ("b", "use"): LEFT}
    assert swap_successes(touched, called_for) == {
        ("a", "use", "handover"): True,
        ("a", "handover", "use"): True,
        ("a", "hold", "handover"): False,  # it lay there before
        ("a", "handover", "hold"): False,  # it stayed
    }


def test_a_hand_that_ignores_the_instruction_or_touches_nothing_fails_every_swap():
    called_for = {("a", "use"): LEFT, ("a", "handover"): RIGHT}
    for part in (LEFT, RIGHT, NO_PART):
        touched = {("a", "use"): part, ("a", "handover"): part}
        assert not any(swap_successes(touched, called_for).values())
    missed = {("a", "use"): NO_PART, ("a", "handover"): RIGHT}
    assert not any(swap_successes(missed, called_for).values())
