"""Perturbed and random hands: exactly as far off as they say, rigid, within the joint limits, reproducible."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from funcgrasp_core.hand.mano_layer import ManoLayer
from training.baselines.perturbed import SHIFT_M, TURN_RAD, perturbed_hand, random_direction
from training.baselines.random_hand import CENTRE_DISTANCE_M, random_hand


def test_a_perturbed_hand_is_turned_by_ten_degrees_and_shifted_by_five_millimetres():
    hand = np.random.default_rng(0).normal(size=(50, 3)) * 0.05 + 0.3
    moved = perturbed_hand(hand, np.random.default_rng(1))
    shift = moved.mean(axis=0) - hand.mean(axis=0)
    assert np.linalg.norm(shift) == pytest.approx(SHIFT_M)
    turn, residual = Rotation.align_vectors(moved - moved.mean(axis=0), hand - hand.mean(axis=0))
    assert turn.magnitude() == pytest.approx(TURN_RAD)
    assert residual < 1e-6


def test_random_directions_are_unit_and_point_everywhere():
    generator = np.random.default_rng(0)
    directions = np.stack([random_direction(generator) for _ in range(500)])
    np.testing.assert_allclose(np.linalg.norm(directions, axis=1), 1.0)
    assert np.abs(directions.mean(axis=0)).max() < 0.1


def test_a_random_hand_is_hand_sized_and_nine_centimetres_off():
    layer = ManoLayer()
    hands = [random_hand(layer, np.random.default_rng(seed)) for seed in range(5)]
    for hand in hands:
        assert hand.shape == (778, 3)
        assert np.linalg.norm(hand.mean(axis=0)) == pytest.approx(CENTRE_DISTANCE_M)
        assert 0.08 < np.linalg.norm(hand[:, None] - hand[None], axis=-1).max() < 0.26
    assert not np.allclose(hands[0], hands[1])
    np.testing.assert_array_equal(hands[2], random_hand(layer, np.random.default_rng(2)))
