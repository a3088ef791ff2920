"""The contact map's F1: hand-worked values, the best mode, and symmetry."""

import math

import numpy as np
import pytest

from funcgrasp_core.errors import ConfigurationError
from training.metrics.contact_map_f1 import (
    best_mode_f1,
    contact_map_f1,
    symmetry_angles,
    touched_by_hand,
    touched_from_probabilities,
    turned_maps,
)


def ring(num_points=72, radius=0.04):
    angles = np.arange(num_points) * 2 * np.pi / num_points
    return np.stack([radius * np.cos(angles), radius * np.sin(angles), np.zeros(num_points)], axis=-1)


def map_of(num_points, pairs):
    touched = np.zeros((num_points, 6), dtype=bool)
    for point, part in pairs:
        touched[point, part] = True
    return touched


def test_the_distance_rule_cuts_at_one_over_e():
    """p = exp(-d / tau) with d = threshold = tau is 1 / e."""
    probabilities = np.array([math.exp(-0.99), math.exp(-1.01), 0.0, 1.0])
    np.testing.assert_array_equal(touched_from_probabilities(probabilities), [True, False, False, True])
    np.testing.assert_array_equal(
        touched_from_probabilities(probabilities, threshold=0.0102), [True, True, False, True]
    )


def test_parts_touch_the_points_within_ten_millimetres():
    points = np.array([[0.0, 0, 0], [0.05, 0, 0]])
    hand = np.array([[0.0, 0, 0.009], [0.05, 0, 0.011]] + [[1.0, 0, 0]] * 4)
    touched = touched_by_hand(points, hand, np.arange(6))
    assert touched[0, 0]
    assert touched.sum() == 1


def test_f1_by_hand():
    """3 found, 2 of them right, 4 to find: precision 2/3, recall 1/2, F1 4/7."""
    truth = map_of(10, [(0, 0), (1, 0), (2, 1), (3, 2)])
    predicted = map_of(10, [(0, 0), (1, 0), (2, 3)])
    assert contact_map_f1(predicted, truth) == pytest.approx(4 / 7)


def test_f1_of_empty_maps():
    empty, some = map_of(5, []), map_of(5, [(0, 0)])
    assert contact_map_f1(empty, empty) == 1.0
    assert contact_map_f1(empty, some) == 0.0
    assert contact_map_f1(some, empty) == 0.0


def test_the_best_of_several_right_answers_counts_and_their_average_does_not():
    points = ring()
    left, right = map_of(72, [(i, 1) for i in range(10)]), map_of(72, [(i, 1) for i in range(40, 50)])
    assert best_mode_f1(points, right, [left, right], symmetry_order=1) == 1.0
    average = touched_from_probabilities((left.astype(float) + right) / 2 * 0.7)
    assert best_mode_f1(points, average, [left, right], symmetry_order=1) == 0.0


def test_a_turned_grasp_of_an_object_of_revolution_is_right():
    """A quarter turn of the ring moves point i to point i + 18."""
    points = ring()
    truth, turned = map_of(72, [(i, 1) for i in range(10)]), map_of(72, [(i + 18, 1) for i in range(10)])
    assert best_mode_f1(points, turned, [truth], symmetry_order=0) == 1.0
    assert best_mode_f1(points, turned, [truth], symmetry_order=4) == 1.0
    assert best_mode_f1(points, turned, [truth], symmetry_order=2) == 0.0
    assert best_mode_f1(points, turned, [truth], symmetry_order=1) == 0.0


def test_maps_turn_counter_clockwise_with_the_object():
    points, truth = ring(), map_of(72, [(0, 2), (1, 3)])
    turned = turned_maps(points, truth, np.array([np.pi / 2]))
    assert turned.shape == (1, 72, 6)
    np.testing.assert_array_equal(turned[0], map_of(72, [(18, 2), (19, 3)]))


def test_symmetry_does_not_excuse_another_height_or_another_finger():
    points = np.concatenate([ring(), ring() + np.array([0, 0, 0.05])])
    truth = map_of(144, [(i, 1) for i in range(10)])
    assert best_mode_f1(points, map_of(144, [(i + 72, 1) for i in range(10)]), [truth], 0) == 0.0
    assert best_mode_f1(points, map_of(144, [(i, 2) for i in range(10)]), [truth], 0) == 0.0


def test_symmetry_angles():
    np.testing.assert_allclose(symmetry_angles(1), [0.0])
    np.testing.assert_allclose(symmetry_angles(2), [0.0, np.pi])
    assert len(symmetry_angles(0)) == 36
    with pytest.raises(ConfigurationError, match="symmetry_order is -1"):
        symmetry_angles(-1)


def test_no_right_answer_is_refused():
    with pytest.raises(ConfigurationError, match="truth_modes is empty"):
        best_mode_f1(ring(), map_of(72, []), [], 1)
