"""MANO's equations written out one number at a time, to compare the fast layer with."""

import math

import numpy as np

from funcgrasp_core.hand.mano_assets import ManoAssets


def rotation_matrix(axis_angle: np.ndarray) -> np.ndarray:
    """exp of the cross-product matrix, by its power series."""
    x, y, z = axis_angle
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]], dtype=np.float64)
    term, total = np.eye(3), np.eye(3)
    for order in range(1, 40):
        term = term @ cross / order
        total = total + term
    return total


def pose_hand(assets: ManoAssets, pose: np.ndarray, shape: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vertices [778, 3], joints [21, 3] (wrist at the model's own place) and transforms [16, 4, 4] of one hand."""
    rotations = [rotation_matrix(pose[3 * joint : 3 * joint + 3]) for joint in range(16)]
    pose_feature = []
    for joint in range(1, 16):
        for row in range(3):
            for column in range(3):
                pose_feature.append(rotations[joint][row, column] - (1.0 if row == column else 0.0))
    shaped = assets.v_template.copy()
    for k in range(10):
        shaped += shape[k] * assets.shapedirs[:, :, k]
    joints = np.zeros((16, 3))
    for joint in range(16):
        for vertex in np.flatnonzero(assets.J_regressor[joint]):
            joints[joint] += assets.J_regressor[joint, vertex] * shaped[vertex]
    rest = shaped.copy()
    for k, value in enumerate(pose_feature):
        rest += value * assets.posedirs[:, :, k]

    transforms = np.zeros((16, 4, 4))
    for joint in range(16):
        parent = int(assets.kintree_table[0, joint])
        local = np.eye(4)
        local[:3, :3] = rotations[joint]
        local[:3, 3] = joints[joint] if parent < 0 else joints[joint] - joints[parent]
        transforms[joint] = local if parent < 0 else transforms[parent] @ local
    vertices = np.zeros((778, 3))
    for vertex in range(778):
        for joint in range(16):
            weight = assets.weights[vertex, joint]
            if weight:
                moved = transforms[joint][:3, :3] @ (rest[vertex] - joints[joint]) + transforms[joint][:3, 3]
                vertices[vertex] += weight * moved
    positions = {joint: transforms[joint][:3, 3] for joint in range(16)}
    chains = [(13, 14, 15), (1, 2, 3), (4, 5, 6), (10, 11, 12), (7, 8, 9)]
    ordered = [positions[0]]
    for chain, tip in zip(chains, (745, 317, 444, 556, 673), strict=True):
        ordered += [positions[joint] for joint in chain] + [vertices[tip]]
    return vertices, np.stack(ordered), transforms


def random_pose(generator: np.random.Generator, scale: float = 0.6) -> np.ndarray:
    """A pose with a global rotation of up to about half a turn."""
    pose = generator.normal(scale=scale, size=48)
    pose[:3] *= math.pi / 2
    return pose
