from dataclasses import replace

import torch

from funcgrasp_core.hand.palm_frame import palm_frame


def test_axes_point_where_they_say(reference_assets):
    _, axes = palm_frame(reference_assets)
    torch.testing.assert_close(axes.mT @ axes, torch.eye(3, dtype=torch.float64))
    fingers, thumb_side, outward = axes.unbind(dim=1)
    # The right hand's rest orientation: fingers along -x, thumb towards +z, palm facing -y.
    assert fingers[0] < -0.95
    assert thumb_side[2] > 0.95
    assert outward[1] < -0.95


def test_centre_lies_on_the_palm_between_wrist_and_knuckles(reference_assets):
    centre, axes = palm_frame(reference_assets)
    vertices = torch.as_tensor(reference_assets.v_template - reference_assets.rest_joints[0])
    assert torch.cdist(centre[None], vertices).min() < 0.008
    middle_knuckle = torch.as_tensor(reference_assets.rest_joints[4] - reference_assets.rest_joints[0])
    along = float(centre @ axes[:, 0] / (middle_knuckle @ axes[:, 0]))
    assert 0.4 < along < 0.9
    assert centre @ axes[:, 2] > 0.01


def test_mirrored_hand_has_mirrored_palm(reference_assets):
    mirror = torch.tensor([1.0, 1.0, -1.0], dtype=torch.float64)
    left = replace(reference_assets, v_template=reference_assets.v_template * mirror.numpy(), side="left")
    right_centre, right_axes = palm_frame(reference_assets)
    left_centre, left_axes = palm_frame(left)
    torch.testing.assert_close(left_centre, right_centre * mirror)
    torch.testing.assert_close(left_axes, right_axes * mirror[:, None])
