"""The perturbed row: a real grasp moved a little, to see what the measures make of a near miss."""

import numpy as np
from scipy.spatial.transform import Rotation

SHIFT_M = 0.005
TURN_RAD = np.deg2rad(10.0)


def perturbed_hand(vertices: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """The hand [V, 3] turned by 10 degrees about its centre and shifted by 5 mm, both in random directions."""
    turn = Rotation.from_rotvec(TURN_RAD * random_direction(generator))
    centre = vertices.mean(axis=0)
    return turn.apply(vertices - centre) + centre + SHIFT_M * random_direction(generator)


def random_direction(generator: np.random.Generator) -> np.ndarray:
    """A unit vector [3], uniform over the sphere."""
    direction = generator.normal(size=3)
    return direction / np.linalg.norm(direction)
