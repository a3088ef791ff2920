import math

import pytest
import torch

from funcgrasp_core.errors import ConfigurationError
from funcgrasp_core.geometry.rotations import axis_angle_to_matrix, matrix_to_axis_angle
from funcgrasp_core.planning.candidate_ranking import CandidateRanker, RankingConfig, soft_overlap


@pytest.fixture(scope="module")
def ranker(hand_layer):
    return CandidateRanker(hand_layer)


def score(ranker, vectors, points, probabilities=None):
    vectors = torch.stack(vectors)
    points = torch.as_tensor(points)
    if probabilities is None:
        probabilities = torch.full((len(vectors), len(points), 6), 0.3)
    return ranker.score(vectors, probabilities, points)


def test_soft_overlap_of_hand_worked_maps():
    first = torch.tensor([[[0.8, 0.2]], [[0.5, 0.0]], [[0.0, 0.0]], [[0.3, 0.7]]])
    second = torch.tensor([[[0.4, 0.6]], [[0.0, 0.5]], [[0.0, 0.0]], [[0.3, 0.7]]])
    torch.testing.assert_close(soft_overlap(first, second), torch.tensor([0.6 / 1.4, 0.0, 0.0, 1.0]))


def test_total_is_the_documented_formula(ranker, ball_points, palm_at_height):
    scores = score(ranker, [palm_at_height()], ball_points)
    terms = {name: float(value) for name, value in scores.terms.items()}
    assert set(terms) == {"agreement", "clearance", "touch", "limits"}
    product = terms["agreement"] ** 0.5 * (terms["clearance"] * terms["touch"] * terms["limits"]) ** 0.25
    assert float(scores.total) == pytest.approx(product ** (1 / 1.25), rel=1e-5)
    assert 0.0 < float(scores.total) < 1.0


def test_a_hand_that_stays_away_scores_zero(ranker, ball_points, palm_at_height):
    scores = score(ranker, [palm_at_height(gap_m=0.05), palm_at_height()], ball_points)
    assert scores.num_touching_parts.tolist()[0] == 0
    assert scores.num_touching_parts.tolist()[1] >= 1
    assert float(scores.total[0]) == 0.0
    assert scores.order().tolist() == [1, 0]


def test_penetration_lowers_the_score(ranker, ball_points, palm_at_height):
    scores = score(ranker, [palm_at_height(gap_m=0.001), palm_at_height(gap_m=-0.008)], ball_points)
    assert float(scores.penetration_m[0]) < 0.002
    assert float(scores.penetration_m[1]) == pytest.approx(0.008, abs=0.003)
    assert scores.terms["clearance"][1] < scores.terms["clearance"][0]
    torch.testing.assert_close(scores.terms["clearance"], torch.exp(-scores.penetration_m / 0.005))


def test_bending_a_finger_backwards_lowers_the_limits_term(ranker, ball_points, palm_at_height, hand_layer):
    from funcgrasp_core.hand.joint_limits import JOINT_LOWER_RAD, axis_angle_from_joint_angles, joint_bases

    angles = torch.zeros(1, 15, 3)
    angles[0, 0, 2] = JOINT_LOWER_RAD[0, 2] - 0.175
    bent = palm_at_height()
    bent[3:48] = axis_angle_from_joint_angles(angles, joint_bases(hand_layer.assets))[0]
    scores = score(ranker, [palm_at_height(), bent], ball_points)
    torch.testing.assert_close(scores.terms["limits"], torch.tensor([1.0, math.exp(-1.0)]), atol=1e-4, rtol=0)


def test_agreement_is_one_for_the_map_that_the_hand_makes(ranker, ball_points, palm_at_height, hand_layer):
    from funcgrasp_core.hand.hand_parts import vertex_part_labels

    vector, points = palm_at_height(), torch.as_tensor(ball_points)
    vertices = hand_layer.from_vector(vector[None]).vertices[0]
    labels = vertex_part_labels(hand_layer.assets)
    slow = torch.stack(
        [(points[:, None] - vertices[labels == part]).norm(dim=-1).amin(dim=1) for part in range(6)], dim=-1
    )
    own_map = torch.exp(-slow / 0.010)[None]
    assert float(score(ranker, [vector], points, own_map).terms["agreement"]) == pytest.approx(1.0, abs=1e-4)
    assert float(score(ranker, [vector], points, own_map / 2).terms["agreement"]) == pytest.approx(0.5, abs=1e-4)


def test_moving_hand_and_object_together_changes_nothing(ranker, ball_points, palm_at_height):
    turn = axis_angle_to_matrix(torch.tensor([0.4, -0.8, 0.3]))
    shift = torch.tensor([0.1, 0.2, -0.3])
    vector = palm_at_height(offset=(0.004, 0.002, 0.0))
    moved = vector.clone()
    moved[:3] = matrix_to_axis_angle(turn @ axis_angle_to_matrix(vector[:3]))
    moved[58:] = turn @ vector[58:] + shift
    points = torch.as_tensor(ball_points)
    before, after = score(ranker, [vector], points), score(ranker, [moved], points @ turn.T + shift)
    for name in before.terms:
        torch.testing.assert_close(after.terms[name], before.terms[name], atol=1e-3, rtol=1e-3)


def test_equal_candidates_keep_their_order(ranker, ball_points, palm_at_height):
    assert score(ranker, [palm_at_height()] * 5, ball_points).order().tolist() == [0, 1, 2, 3, 4]


def test_settings_that_are_not_positive_are_refused():
    with pytest.raises(ConfigurationError, match=r"penetration_scale_m must be positive, got 0"):
        RankingConfig(penetration_scale_m=0)
