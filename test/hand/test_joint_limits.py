import math

import pytest
import torch

from funcgrasp_core.hand.joint_limits import (
    JOINT_LOWER_RAD,
    JOINT_UPPER_RAD,
    axis_angle_from_joint_angles,
    joint_angles_from_axis_angle,
    joint_bases,
    joint_limit_violation,
)
from funcgrasp_core.hand.mano_assets import FINGER_CHAINS
from funcgrasp_core.hand.mano_layer import ManoLayer
from funcgrasp_core.hand.palm_frame import palm_frame

TWIST, ABDUCTION, FLEXION = 0, 1, 2


def pose_with(bases: torch.Tensor, joint: int, axis: int, angle_rad: float) -> torch.Tensor:
    angles = torch.zeros(1, 15, 3, dtype=torch.float64)
    angles[0, joint - 1, axis] = angle_rad
    return torch.cat([torch.zeros(1, 3, dtype=torch.float64), axis_angle_from_joint_angles(angles, bases)], dim=1)


def test_bases_are_rotations_along_the_bones(reference_assets):
    bases = joint_bases(reference_assets)
    torch.testing.assert_close(bases.mT @ bases, torch.eye(3, dtype=torch.float64).expand(15, 3, 3))
    torch.testing.assert_close(torch.linalg.det(bases), torch.ones(15, dtype=torch.float64))
    bone = torch.as_tensor(reference_assets.rest_joints[2] - reference_assets.rest_joints[1])
    torch.testing.assert_close(bases[0, :, TWIST], bone / bone.norm())


@pytest.mark.parametrize("finger", ["index", "middle", "ring", "pinky", "thumb"])
def test_positive_flexion_brings_the_tip_to_the_palm(reference_assets, finger):
    layer, bases = ManoLayer(reference_assets), joint_bases(reference_assets)
    palm_centre = palm_frame(reference_assets)[0]
    tip = 4 * (1 + list(FINGER_CHAINS).index(finger))
    shape = torch.zeros(1, 10, dtype=torch.float64)
    distances = []
    for angle in (0.0, 0.4, 0.8):
        pose = pose_with(bases, FINGER_CHAINS[finger][0], FLEXION, angle)
        distances.append(float((layer(pose, shape).joints[0, tip] - palm_centre).norm()))
    assert distances[0] > distances[1] > distances[2]


def test_twist_leaves_the_tip_of_a_straight_finger_in_place(reference_assets):
    layer, bases = ManoLayer(reference_assets), joint_bases(reference_assets)
    shape = torch.zeros(1, 10, dtype=torch.float64)
    before = layer(torch.zeros(1, 48, dtype=torch.float64), shape).joints[0]
    after = layer(pose_with(bases, 3, TWIST, 0.05), shape).joints[0]
    torch.testing.assert_close(after[8], before[8], atol=2e-4, rtol=0)


def test_angles_come_back(reference_assets):
    bases = joint_bases(reference_assets)
    pose = torch.randn(4, 45, generator=torch.Generator().manual_seed(1))
    angles = joint_angles_from_axis_angle(pose, bases)
    assert angles.dtype == torch.float32
    torch.testing.assert_close(axis_angle_from_joint_angles(angles, bases), pose)


def test_violation_by_hand():
    angles = torch.zeros(1, 15, 3)
    angles[0, 0, FLEXION] = math.radians(98)  # index base bends to 88 degrees
    angles[0, 1, FLEXION] = math.radians(-13)  # index middle stretches to -3 degrees
    angles[0, 12, ABDUCTION] = math.radians(40)  # just the thumb's limit
    violation = joint_limit_violation(angles)
    assert violation[0, 0, FLEXION] == pytest.approx(math.radians(10), abs=1e-6)
    assert violation[0, 1, FLEXION] == pytest.approx(math.radians(10), abs=1e-6)
    violation[0, :2, FLEXION] = 0
    assert violation.max() < 1e-6


def test_rest_is_within_the_limits_and_limits_are_ordered():
    assert (JOINT_LOWER_RAD < 0).all()
    assert (JOINT_UPPER_RAD > 0).all()


def test_mean_pose_is_within_the_limits(reference_assets):
    mean = torch.as_tensor(reference_assets.hands_mean)[None]
    angles = joint_angles_from_axis_angle(mean, joint_bases(reference_assets))
    assert joint_limit_violation(angles).max() < 1e-6
    assert (angles[0, :, FLEXION] > 0.05).all()
