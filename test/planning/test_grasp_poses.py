import math

import pytest
import torch

from funcgrasp_core.hand.palm_frame import palm_frame
from funcgrasp_core.planning.grasp_poses import approach_directions, pregrasp_poses, wrist_poses


def test_wrist_pose_of_a_quarter_turn():
    vector = torch.zeros(1, 61)
    vector[0, 2] = math.pi / 2
    vector[0, 58:] = torch.tensor([1.0, 2.0, 3.0])
    expected = torch.tensor([[0.0, -1, 0, 1], [1, 0, 0, 2], [0, 0, 1, 3], [0, 0, 0, 1]])
    torch.testing.assert_close(wrist_poses(vector)[0], expected, atol=1e-6, rtol=0)


def test_wrist_pose_is_where_the_posed_hand_has_its_wrist(hand_layer):
    vectors = 0.3 * torch.randn(4, 61, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(
        wrist_poses(vectors), hand_layer.from_vector(vectors).transforms[:, 0], atol=1e-5, rtol=0
    )


def test_pregrasp_is_ten_centimetres_back_and_turned_alike():
    poses = wrist_poses(torch.randn(3, 61, generator=torch.Generator().manual_seed(1)))
    directions = torch.nn.functional.normalize(torch.randn(3, 3, generator=torch.Generator().manual_seed(2)), dim=1)
    before = pregrasp_poses(poses, directions)
    torch.testing.assert_close(poses[:, :3, 3] - before[:, :3, 3], 0.10 * directions)
    torch.testing.assert_close(before[:, :3, :3], poses[:, :3, :3])


def test_the_approach_brings_the_palm_to_the_object(hand_layer, ball_points, palm_at_height):
    poses = wrist_poses(palm_at_height()[None])
    _, axes = palm_frame(hand_layer.assets)
    direction = approach_directions(poses, axes)
    assert float(direction.norm()) == pytest.approx(1.0, abs=1e-5)
    vertices = hand_layer.from_vector(palm_at_height()[None]).vertices[0]
    back = vertices - 0.10 * direction[0]
    points = torch.as_tensor(ball_points)
    gap, gap_before = torch.cdist(points, vertices).min(), torch.cdist(points, back).min()
    assert float(gap_before - gap) > 0.08
