"""The Shadow Hand's kinematics against values worked by hand from its published dimensions."""

import math

import pytest
import torch

from funcgrasp_core.geometry.rotations import axis_angle_to_matrix
from training.data.dexfuncgrasp.shadow_hand import (
    DOF_NAMES,
    joint_limits,
    palm_rotation_of_graspit,
    shadow_forward_kinematics,
)

DOWN = math.pi / 2


def keypoints(**angles):
    dof_values = torch.zeros(1, 22, dtype=torch.float64)
    for name, value in angles.items():
        dof_values[0, DOF_NAMES.index(name)] = value
    return shadow_forward_kinematics(
        dof_values, torch.eye(3, dtype=torch.float64)[None], torch.zeros(1, 3, dtype=torch.float64)
    )


def assert_points(found, expected):
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64), atol=1e-6, rtol=0)


def test_the_straight_hand():
    joints = keypoints().joints[0]
    assert_points(joints[0], [0.0, 0.0, 0.0])
    # Index: knuckle, then 45 and 25 mm to the next joints and 29.5 mm to the tip, all along the fingers.
    assert_points(joints[5:9, 2], [0.095, 0.140, 0.165, 0.1945])
    assert_points(joints[5:9, 0], [0.033] * 4)
    assert_points(joints[5:9, 1], [0.0] * 4)
    # Little finger: 20.71 + 65.79 mm to the knuckle.
    assert_points(joints[17], [-0.033, 0.0, 0.0865])
    # Thumb: its base is turned by 45 degrees to the thumb's side, so that 38 mm are 26.87 mm in x and in z.
    half = math.sqrt(0.5)
    assert_points(joints[1], [0.034, -0.0085, 0.029])
    assert_points(joints[2], [0.034 + 0.038 * half, -0.0085, 0.029 + 0.038 * half])
    assert_points(joints[4], [0.034 + 0.1049 * half, -0.0085, 0.029 + 0.1049 * half])


def test_fingers_flex_out_of_the_palm():
    joints = keypoints(FFJ3=DOWN).joints[0]
    assert_points(joints[8], [0.033, -0.0995, 0.095])
    joints = keypoints(MFJ2=DOWN).joints[0]
    assert_points(joints[12], [0.011, -0.0545, 0.144])
    joints = keypoints(RFJ3=DOWN, RFJ2=DOWN).joints[0]
    # The proximal link points out of the palm, the others back to the wrist.
    assert_points(joints[16], [-0.011, -0.045, 0.095 - 0.0545])


@pytest.mark.parametrize(("finger", "tip", "side"), [("FF", 8, -1), ("MF", 12, -1), ("RF", 16, 1), ("LF", 20, 1)])
def test_positive_spread_turns_towards_the_middle(finger, tip, side):
    straight, spread = keypoints().joints[0, tip], keypoints(**{f"{finger}J4": 0.3}).joints[0, tip]
    assert float(spread[0] - straight[0]) == pytest.approx(side * 0.0995 * math.sin(0.3), abs=1e-6)


def test_the_thumbs_last_joint_bends_towards_the_fingers_side():
    joints = keypoints(THJ1=DOWN).joints[0]
    half = math.sqrt(0.5)
    distal = torch.tensor([0.034 + 0.070 * half, -0.0085, 0.029 + 0.070 * half])
    assert_points(joints[3], distal.tolist())
    assert_points(joints[4], (distal + 0.0349 * torch.tensor([-half, 0.0, half])).tolist())


def test_the_little_fingers_metacarpal_carries_its_knuckle_out_of_the_palm():
    straight, folded = keypoints(), keypoints(LFJ5=0.5)
    moved = folded.joints[0, 17] - straight.joints[0, 17]
    # By the chord of an arc about the published axis: 65.79 mm times the axis' x gives the radius.
    assert float(moved.norm()) == pytest.approx(2 * 0.06579 * 0.573576 * math.sin(0.25), abs=1e-6)
    assert float(moved[1]) < 0
    assert_points(folded.joints[0, :17], straight.joints[0, :17].tolist())


def test_pads_and_palm_face_where_the_hand_grasps():
    hand = keypoints()
    assert_points(hand.pad_normals[0, 1], [0.0, -1.0, 0.0])
    assert_points(hand.pads[0, 1], [0.033, -0.007, 0.183])
    assert_points(hand.distal_directions[0, 1:], [[0.0, 0.0, 1.0]] * 4)
    assert float(hand.palm_centre[0, 1]) == pytest.approx(-0.0111)


def test_graspit_counts_along_the_fingers_to_the_little_finger_and_out_of_the_palm():
    in_graspit = palm_rotation_of_graspit(torch.eye(3, dtype=torch.float64)[None])[0]
    hand = keypoints()
    along = in_graspit @ hand.distal_directions[0, 2]
    across = in_graspit @ (hand.joints[0, 17] - hand.joints[0, 5])
    outward = in_graspit @ hand.pad_normals[0, 2]
    assert_points(along, [1.0, 0.0, 0.0])
    assert float(across[1]) == pytest.approx(0.066)
    assert_points(outward, [0.0, 0.0, 1.0])


def random_hands(num, dtype=torch.float64):
    generator = torch.Generator().manual_seed(0)
    lower, upper = joint_limits()
    angles = lower + (upper - lower) * torch.rand(num, 22, generator=generator)
    rotation = axis_angle_to_matrix(torch.randn(num, 3, generator=generator, dtype=dtype))
    return angles.to(dtype), rotation, torch.randn(num, 3, generator=generator, dtype=dtype)


def test_moving_the_palm_moves_everything_with_it():
    angles, rotation, translation = random_hands(4)
    still = shadow_forward_kinematics(angles, torch.eye(3).double().expand(4, 3, 3), torch.zeros(4, 3).double())
    moved = shadow_forward_kinematics(angles, rotation, translation)
    torch.testing.assert_close(moved.joints, still.joints @ rotation.mT + translation[:, None])
    torch.testing.assert_close(moved.pads, still.pads @ rotation.mT + translation[:, None])
    torch.testing.assert_close(moved.pad_normals, still.pad_normals @ rotation.mT)
    torch.testing.assert_close(moved.palm_centre, (rotation @ still.palm_centre[..., None])[..., 0] + translation)


def test_a_batch_is_its_hands_one_by_one():
    hands = random_hands(3)
    together = shadow_forward_kinematics(*hands)
    alone = shadow_forward_kinematics(*(value[1:2] for value in hands))
    torch.testing.assert_close(together.rows(slice(1, 2)).joints, alone.joints)


def test_gradients_are_those_of_finite_differences():
    angles, rotation, translation = random_hands(1)
    angles.requires_grad_(True)
    assert torch.autograd.gradcheck(lambda q: shadow_forward_kinematics(q, rotation, translation).joints, (angles,))


def test_limits_and_counts():
    lower, upper = joint_limits()
    assert len(DOF_NAMES) == len(lower) == 22
    assert bool((lower < upper).all())
    assert float(upper[DOF_NAMES.index("FFJ3")]) == pytest.approx(1.571)
    assert float(lower[DOF_NAMES.index("THJ5")]) == pytest.approx(-1.047)
    with pytest.raises(ValueError, match="expected 22 joint angles, got 21"):
        shadow_forward_kinematics(torch.zeros(1, 21), torch.eye(3)[None], torch.zeros(1, 3))
