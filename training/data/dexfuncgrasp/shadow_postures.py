"""Poses Shadow Hands like human ones: the way back, for making small data sets to test with."""

import torch
from torch import Tensor

from funcgrasp_core.geometry.rotations import axis_angle_to_matrix
from training.data.dexfuncgrasp.hand_keypoints import HandKeypoints
from training.data.dexfuncgrasp.shadow_hand import joint_limits, shadow_forward_kinematics

_LENGTH_SCALE_M = 0.01
_START_FLEXION_RAD = 0.6
_JOINT_RATE, _TURN_RATE, _SHIFT_RATE = 0.03, 0.02, 0.002
_DISTAL_WEIGHT, _TURN_WEIGHT = 0.5, 1.0


def shadow_hands_like(human: HandKeypoints, num_steps: int = 200) -> tuple[Tensor, Tensor, Tensor]:
    """Joint angles and palm poses of Shadow Hands whose fingertips and pads are where given human hands have theirs.

    Args:
        human: keypoints of B hands.
        num_steps: of Adam; the rates fall in a line.

    Returns:
        Joint angles [B, 22] within Shadow's limits, rotation [B, 3, 3] and translation [B, 3] of the palm frame.
    """
    lower, upper = (limit.to(human.joints) for limit in joint_limits())
    num = len(human.joints)
    start = human.palm_rotation.detach()
    angles = torch.full((num, len(lower)), _START_FLEXION_RAD).to(human.joints).clamp(lower, upper).requires_grad_(True)
    turn = torch.zeros(num, 3).to(human.joints).requires_grad_(True)
    with torch.no_grad():
        offset = human.palm_centre - shadow_forward_kinematics(angles, start, torch.zeros_like(turn)).palm_centre
    shift = offset.clone().requires_grad_(True)
    rates = (_JOINT_RATE, _TURN_RATE, _SHIFT_RATE)
    optimiser = torch.optim.Adam([{"params": [leaf]} for leaf in (angles, turn, shift)], betas=(0.9, 0.95))
    for step in range(num_steps):
        for group, rate in zip(optimiser.param_groups, rates, strict=True):
            group["lr"] = rate * (1 - step / num_steps)
        robot = shadow_forward_kinematics(angles, axis_angle_to_matrix(turn) @ start, shift)
        places = (robot.tips - human.tips).square() + (robot.pads - human.pads).square()
        distal = 1 - (robot.distal_directions * human.distal_directions).sum(-1)
        turns = (robot.palm_rotation - start).square().sum((1, 2)) / 2
        loss = places.sum((1, 2)) / _LENGTH_SCALE_M**2 + _DISTAL_WEIGHT * distal.sum(1) + _TURN_WEIGHT * turns
        optimiser.zero_grad()
        loss.sum().backward()
        optimiser.step()
        with torch.no_grad():
            angles.copy_(angles.clamp(lower, upper))
    return angles.detach(), (axis_angle_to_matrix(turn) @ start).detach(), shift.detach()
