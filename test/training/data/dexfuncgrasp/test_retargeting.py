"""Shadow Hands become MANO hands that touch where they touch."""

import dataclasses

import pytest
import torch
from config_fields import field_paths

from funcgrasp_core.errors import ConfigurationError
from funcgrasp_core.hand.joint_limits import (
    JOINT_LOWER_RAD,
    JOINT_UPPER_RAD,
    joint_angles_from_axis_angle,
    joint_bases,
)
from funcgrasp_core.hand.mano_layer import ManoLayer
from training.data.broken_files import BrokenFiles
from training.data.dexfuncgrasp.hand_keypoints import HandKeypoints, rotation_angles
from training.data.dexfuncgrasp.hand_shape_fit import MAX_SHAPE, shape_like_shadow_hand
from training.data.dexfuncgrasp.index import find_shadow_grasps
from training.data.dexfuncgrasp.object_grasps import read_object_grasps, retargeting_job
from training.data.dexfuncgrasp.retargeting import HandRetargeter, RetargetingSettings, shadow_finger_gaps
from training.data.dexfuncgrasp.shadow_hand import shadow_forward_kinematics
from training.data.grasping_hand import GraspingHand


@pytest.fixture(scope="module")
def hand():
    return GraspingHand(ManoLayer())


@pytest.fixture(scope="module")
def job(tree):
    grasps = [grasp for grasp in find_shadow_grasps(tree, "all", ("mug",)) if not grasp.is_transferred]
    found = read_object_grasps(tree, grasps, BrokenFiles())
    assert found is not None
    return retargeting_job(found)


@pytest.fixture(scope="module")
def found(hand, job):
    return HandRetargeter(hand)(job.targets, job.object_points[None])


def test_fingertips_are_where_the_robots_are(found):
    assert len(found) == 2
    assert float(found.tip_errors.mean()) < 0.004
    assert float(found.tip_errors.max()) < 0.012
    assert float(torch.rad2deg(found.palm_angles.max())) < 25
    assert float(found.palm_errors.max()) < 0.035


def test_the_residuals_are_those_of_the_vectors(hand, job, found):
    geometry = hand.layer.from_vector(found.vectors)
    tips = geometry.joints[:, [4, 8, 12, 16, 20]]
    torch.testing.assert_close((tips - job.targets.tips).norm(dim=-1), found.tip_errors, atol=1e-6, rtol=0)


def test_fingers_that_touch_still_touch_and_do_not_enter(found):
    assert bool(found.touching.any())
    assert float(found.contact_gaps[found.touching].max()) < 0.004
    assert float(found.penetrations.max()) < 0.004


def test_joints_keep_their_limits(hand, found):
    angles = joint_angles_from_axis_angle(found.vectors[:, 3:48], joint_bases(hand.layer.assets).float())
    assert bool((angles >= JOINT_LOWER_RAD - 1e-5).all())
    assert bool((angles <= JOINT_UPPER_RAD + 1e-5).all())
    assert torch.equal(found.vectors[:, 48:58], torch.zeros(2, 10))


def test_the_same_input_gives_the_same_hands_whatever_the_batch(hand, job):
    retargeter = HandRetargeter(hand, RetargetingSettings(num_steps=20))
    together = retargeter(job.targets, job.object_points[None])
    again = retargeter(job.targets, job.object_points[None])
    alone = retargeter(job.targets.rows(slice(1, 2)), job.object_points[None])
    assert torch.equal(together.vectors, again.vectors)
    torch.testing.assert_close(together.vectors[1:], alone.vectors, atol=1e-4, rtol=0)


def test_starts_lie_on_the_robots_palm(hand, job):
    retargeter = HandRetargeter(hand)
    start = retargeter.start_poses(job.targets)
    keypoints = retargeter.keypoints_of(start)
    torch.testing.assert_close(keypoints.palm_centre, job.targets.palm_centre, atol=1e-5, rtol=0)
    assert float(rotation_angles(keypoints.palm_rotation, job.targets.palm_rotation).max()) < 1e-3


def test_a_hand_as_large_as_the_robots_brings_the_palm_nearer(hand, job, found):
    shape = shape_like_shadow_hand(hand.layer)
    assert float(shape.abs().max()) <= MAX_SHAPE
    larger = HandRetargeter(hand, shape=shape)(job.targets, job.object_points[None])
    torch.testing.assert_close(larger.vectors[:, 48:58], shape.expand(2, -1))
    assert float(larger.palm_errors.mean()) < 0.75 * float(found.palm_errors.mean())


def test_a_far_object_is_not_touched(hand, job):
    far = HandRetargeter(hand, RetargetingSettings(num_steps=2))(job.targets, job.object_points[None] + 0.5)
    assert not bool(far.touching.any())
    assert float(far.penetrations.max()) == 0


def test_gaps_are_measured_from_a_capsule():
    hand = shadow_forward_kinematics(torch.zeros(1, 22), torch.eye(3)[None], torch.zeros(1, 3))
    # Beside the middle of the index finger's distal link, 7 mm thick, and beyond its tip at z = 194.5 mm.
    beside = torch.tensor([[[0.033, -0.017, 0.175]]])
    beyond = torch.tensor([[[0.033, 0.0, 0.2045]]])
    assert float(shadow_finger_gaps(hand, beside)[0, 1]) == pytest.approx(0.010, abs=1e-6)
    assert float(shadow_finger_gaps(hand, beyond)[0, 1]) == pytest.approx(0.010, abs=1e-6)


def test_angles_between_rotations():
    quarter = torch.tensor([[[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]])
    half = torch.diag(torch.tensor([-1.0, -1.0, 1.0]))[None]
    still = torch.eye(3)[None]
    assert rotation_angles(still, quarter).item() == pytest.approx(torch.pi / 2)
    assert rotation_angles(still, half).item() == pytest.approx(torch.pi)
    assert rotation_angles(still, still).item() == 0


def test_left_hands_are_refused(hand):
    left = GraspingHand(ManoLayer(dataclasses.replace(hand.layer.assets, side="left")))
    with pytest.raises(ConfigurationError, match="give a right MANO hand"):
        HandRetargeter(left)


def test_keypoints_can_be_chosen_by_row(job):
    rows: HandKeypoints = job.targets.rows(slice(0, 1))
    assert [len(value) for value in rows] == [1] * 5


BRIEF = RetargetingSettings(num_steps=8, free_share=0.25, renew_points_every=2)

OTHER_VALUES = {
    "num_steps": 9,
    "free_share": 0.75,
    "rotation_rate": 0.03,
    "translation_rate": 0.003,
    "joint_rate": 0.04,
    "final_rate_share": 0.5,
    "tip_weight": 2.0,
    "pad_weight": 2.0,
    "distal_weight": 2.0,
    "pad_normal_weight": 2.0,
    "joint_weight": 0.5,
    "palm_turn_weight": 5.0,
    "palm_place_weight": 0.5,
    "contact_weight": 40.0,
    "penetration_weight": 20.0,
    "posture_weight": 2.0,
    "contact_reach_m": 0.0001,
    "contact_tolerance_m": 0.02,
    "num_object_points": 16,
    "renew_points_every": 8,
}


@pytest.fixture(scope="module")
def brief(hand, job):
    return HandRetargeter(hand, BRIEF)(job.targets, job.object_points[None])


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(RetargetingSettings)])
def test_every_setting_matters(hand, job, brief, name):
    changed = dataclasses.replace(BRIEF, **{name: OTHER_VALUES[name]})
    found = HandRetargeter(hand, changed)(job.targets, job.object_points[None])
    assert float((found.vectors - brief.vectors).abs().max()) > 1e-6


FIELD_CHANGES = {
    "num_steps": 13,
    "free_share": 0.9,
    "rotation_rate": 0.01,
    "translation_rate": 0.001,
    "joint_rate": 0.01,
    "final_rate_share": 0.5,
    "tip_weight": 0.2,
    "pad_weight": 0.2,
    "distal_weight": 0.1,
    "pad_normal_weight": 0.0,
    "joint_weight": 0.5,
    "palm_turn_weight": 0.1,
    "palm_place_weight": 1.0,
    "contact_weight": 0.0,
    "penetration_weight": 0.0,
    "posture_weight": 0.5,
    "contact_reach_m": 0.0,
    "contact_tolerance_m": 0.004,
    "num_object_points": 16,
    "renew_points_every": 3,
}
SHORT = RetargetingSettings(num_steps=12, free_share=0.2)


def test_every_setting_has_a_changed_value():
    assert set(field_paths(RetargetingSettings)) == set(FIELD_CHANGES)


@pytest.fixture(scope="module")
def shortly_found(hand, job):
    return HandRetargeter(hand, SHORT)(job.targets, job.object_points[None]).vectors


@pytest.mark.parametrize("name", FIELD_CHANGES)
def test_a_changed_setting_changes_the_hands(name, hand, job, shortly_found):
    settings = dataclasses.replace(SHORT, **{name: FIELD_CHANGES[name]})
    changed = HandRetargeter(hand, settings)(job.targets, job.object_points[None]).vectors
    assert not torch.equal(changed, shortly_found)
