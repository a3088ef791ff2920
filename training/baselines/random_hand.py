"""The random row: a hand with random fingers, turned at random, beside the object."""

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from funcgrasp_core.hand.joint_limits import (
    JOINT_LOWER_RAD,
    JOINT_UPPER_RAD,
    axis_angle_from_joint_angles,
    joint_bases,
)
from funcgrasp_core.hand.mano_layer import HandLayer
from training.baselines.perturbed import random_direction

CENTRE_DISTANCE_M = 0.09
"""From the object's centre to the hand's: near enough that a hand is often on the object, rarely around it."""


def random_hand(layer: HandLayer, generator: np.random.Generator) -> np.ndarray:
    """Vertices [778, 3] of a hand within its joint limits, in the frame of an object centred on the origin."""
    share = torch.from_numpy(generator.random(tuple(JOINT_LOWER_RAD.shape)))
    lower, upper = JOINT_LOWER_RAD.double(), JOINT_UPPER_RAD.double()
    fingers = axis_angle_from_joint_angles((lower + (upper - lower) * share)[None], joint_bases(layer.assets).double())
    pose = torch.zeros(1, 48, dtype=torch.float64)
    pose[:, 3:] = fingers.reshape(1, 45)
    with torch.no_grad():
        vertices = layer(pose, torch.zeros(1, 10, dtype=torch.float64)).vertices[0].numpy()
    turn = Rotation.from_quat(generator.normal(size=4))  # uniform over all rotations
    turned = turn.apply(vertices - vertices.mean(axis=0))
    return turned + CENTRE_DISTANCE_M * random_direction(generator)
