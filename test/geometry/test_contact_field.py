import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from funcgrasp_core.errors import ConfigurationError, InvalidDistancesError
from funcgrasp_core.geometry.contact_field import (
    contact_labels_from_probabilities,
    distances_from_probabilities,
    hard_contact_labels,
    per_part_distances,
    soft_contact_targets,
)
from funcgrasp_core.geometry.rotations import axis_angle_to_matrix


def random_points(seed: int, *shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_per_part_distances_match_loops():
    object_points, hand_points = random_points(0, 2, 9, 3), random_points(1, 2, 14, 3)
    labels = torch.tensor([0, 1, 2, 3, 4, 5, 0, 0, 1, 2, 5, 5, 3, 3])
    distances = per_part_distances(object_points, hand_points, labels)
    assert distances.shape == (2, 9, 6)
    for b in range(2):
        for n in range(9):
            for part in range(6):
                every = [
                    float(np.linalg.norm(object_points[b, n] - hand_points[b, v]))
                    for v in range(14)
                    if labels[v] == part
                ]
                assert distances[b, n, part] == pytest.approx(min(every), abs=1e-12)


def test_per_part_distances_have_gradients():
    object_points, hand_points = random_points(2, 1, 3, 3).requires_grad_(), random_points(3, 1, 6, 3).requires_grad_()
    labels = torch.tensor([1, 0, 1, 0, 1, 0])
    assert torch.autograd.gradcheck(
        lambda points, hand: per_part_distances(points, hand, labels, num_parts=2), (object_points, hand_points)
    )


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**31 - 1))
def test_per_part_distances_ignore_rigid_motion_and_the_order_of_hand_points(seed):
    object_points, hand_points = random_points(seed, 1, 7, 3), random_points(seed + 1, 1, 12, 3)
    labels = torch.arange(12) % 6
    order = torch.randperm(12, generator=torch.Generator().manual_seed(seed))
    rotation, shift = axis_angle_to_matrix(random_points(seed + 2, 3) * 3), random_points(seed + 3, 3)
    distances = per_part_distances(object_points, hand_points, labels)
    moved = per_part_distances(
        object_points @ rotation.T + shift, (hand_points @ rotation.T + shift)[:, order], labels[order]
    )
    assert torch.allclose(distances, moved, atol=1e-12)


def test_per_part_distances_refuse_a_part_without_points():
    with pytest.raises(ConfigurationError, match=r"part numbers \[4, 5\] have none"):
        per_part_distances(torch.rand(1, 3, 3), torch.rand(1, 4, 3), torch.tensor([0, 1, 2, 3]))


def test_per_part_distances_refuse_labels_of_another_hand():
    with pytest.raises(ConfigurationError, match=r"expected \(4,\), got \(21,\)"):
        per_part_distances(torch.rand(1, 3, 3), torch.rand(1, 4, 3), torch.zeros(21, dtype=torch.long))


def test_soft_targets_by_hand():
    millimetres = torch.tensor([5.0, 10.0, 50.0, 80.0, 100.0, 120.0])
    targets = soft_contact_targets(millimetres / 1000)
    expected = [0.6065, 0.3679, 6.738e-3, 3.355e-4, 4.540e-5, 6.144e-6]
    assert targets.tolist() == pytest.approx(expected, rel=2e-4)
    assert float(targets.sum()) == pytest.approx(0.9815, abs=1e-4), "six independent values, not normalised"


def test_soft_targets_at_contact_and_with_another_tau():
    assert soft_contact_targets(torch.tensor([0.0])).item() == 1.0
    assert soft_contact_targets(torch.tensor([0.02]), tau=0.02).item() == pytest.approx(math.exp(-1))


@pytest.mark.parametrize("tau", [0.0, -0.01, math.nan, math.inf])
def test_tau_must_be_positive(tau):
    with pytest.raises(InvalidDistancesError, match="tau must be a positive length"):
        soft_contact_targets(torch.tensor([0.01]), tau)
    with pytest.raises(InvalidDistancesError, match="tau must be a positive length"):
        distances_from_probabilities(torch.tensor([0.5]), tau)


@pytest.mark.parametrize(
    ("value", "name"), [(math.nan, "NaN"), (math.inf, "infinite"), (-math.inf, "infinite"), (-0.001, "negative")]
)
def test_bad_distances_are_counted_and_located(value, name):
    distances = torch.full((2, 4, 6), 0.01)
    distances[1, 2, 3] = distances[1, 3, 0] = value
    with pytest.raises(InvalidDistancesError, match=rf"2 of 48 are not \(2 {name}; first at index \(1, 2, 3\)\)"):
        soft_contact_targets(distances)


def test_bad_distances_of_several_kinds_are_all_named():
    distances = torch.tensor([0.01, math.nan, -1.0, math.inf])
    with pytest.raises(InvalidDistancesError, match="1 NaN, 1 infinite, 1 negative"):
        soft_contact_targets(distances)


@settings(max_examples=50, deadline=None)
@given(distance=st.floats(0.0, 0.16), tau=st.floats(0.010, 0.1))
def test_distances_come_back_from_probabilities(distance, tau):
    targets = soft_contact_targets(torch.tensor([distance], dtype=torch.float64), tau)
    assert distances_from_probabilities(targets, tau).item() == pytest.approx(distance, abs=1e-9)


def test_distances_of_certain_probabilities_are_bounded():
    distances = distances_from_probabilities(torch.tensor([0.0, 1.0, 1.5]))
    assert distances.tolist() == pytest.approx([0.16118, 0.0, 0.0], abs=1e-5)


def test_hard_labels_by_hand():
    millimetres = torch.tensor(
        [
            [30.0, 8.0, 9.0, 20.0, 25.0, 30.0],  # thumb is nearest
            [11.0, 12.0, 50.0, 50.0, 50.0, 50.0],  # nothing within 10 mm
            [50.0, 50.0, 50.0, 50.0, 50.0, 2.0],  # pinky
            [3.0, 3.0, 50.0, 50.0, 50.0, 50.0],  # a tie goes to the first part
        ]
    )
    assert hard_contact_labels(millimetres / 1000, 0.010).tolist() == [2, 0, 6, 1]
    assert hard_contact_labels(millimetres / 1000, 0.0115).tolist() == [2, 1, 6, 1]


def test_hard_label_on_the_threshold_is_no_contact():
    distances = torch.tensor([[0.010, 0.5], [0.00999, 0.5]], dtype=torch.float64)
    assert hard_contact_labels(distances, 0.010).tolist() == [0, 1]


def test_labels_from_probabilities_follow_the_distance_rule():
    # 10 mm stands for exp(-1) = 0.3679
    probabilities = torch.tensor([[0.36, 0.2, 0.1, 0.0, 0.0, 0.0], [0.1, 0.38, 0.37, 0.0, 0.0, 0.0]])
    assert contact_labels_from_probabilities(probabilities).tolist() == [0, 2]
    assert contact_labels_from_probabilities(probabilities, threshold=0.012).tolist() == [1, 2]


def test_labels_follow_the_distance_rule_and_not_the_largest_class():
    """At 11 mm the palm is the likeliest part and still no contact; at 9 mm it is one."""
    far = [0.03] * 4
    distances = torch.tensor([[0.011, 0.03, *far], [0.009, 0.03, *far], [0.009, *far, 0.002]])
    probabilities = torch.exp(-distances / 0.01)
    assert contact_labels_from_probabilities(probabilities).tolist() == [0, 1, 6]
    assert contact_labels_from_probabilities(probabilities, threshold=0.012).tolist() == [1, 1, 6]


def test_a_probability_of_zero_is_no_contact_and_gives_no_infinity():
    assert contact_labels_from_probabilities(torch.zeros(2, 6)).tolist() == [0, 0]


def test_labels_from_soft_targets_are_the_hard_labels():
    distances = random_points(9, 500, 6) * 0.05
    labels = contact_labels_from_probabilities(soft_contact_targets(distances))
    assert torch.equal(labels, hard_contact_labels(distances))
    assert set(labels.tolist()) == set(range(7))
