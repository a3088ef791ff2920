"""Pose correctives of the reference hand: what linear blend skinning loses at bent joints, put back.

Each joint is bent alone through a set of angles. The skinned vertices are compared with the solid bent in the same
way: whatever sank below its surface or bulged out of it is moved back, smoothly over the mesh. The corrections, turned
back into the rest frame, are fitted by least squares with linear functions of R - I: MANO's `posedirs`.
"""

import numpy as np
from scipy.sparse import csr_matrix
from scipy.spatial.transform import Rotation

from funcgrasp_core.hand.mano_assets import FINGER_CHAINS, NUM_JOINTS
from funcgrasp_core.hand.mesh_polishing import neighbour_average
from funcgrasp_core.hand.reference_hand_solid import REST_JOINTS_M, signed_distance, signed_distance_gradient

FLEXION_SAMPLES_DEG = (-20.0, 20.0, 40.0, 60.0, 75.0, 90.0)
SIDE_SAMPLES_DEG = (-20.0, 20.0)
MAX_CORRECTION_M = 0.006
SMOOTHING_PASSES = 3
RIDGE = 0.05
"""Keeps the nine coefficients of a joint small where the samples do not tell them apart."""

MIN_JOINT_WEIGHT = 0.01


def pose_correctives(vertices: np.ndarray, faces: np.ndarray, weights: np.ndarray, bases: np.ndarray) -> np.ndarray:
    """`posedirs` [V, 3, 135].

    Args:
        vertices: [V, 3] template.
        faces: [F, 3].
        weights: [V, 16] skin weights.
        bases: [15, 3, 3] twist, abduction and flexion axis (columns) of joints 1 to 15.
    """
    posedirs = np.zeros((*vertices.shape, 9 * (NUM_JOINTS - 1)))
    average = neighbour_average(faces, len(vertices))
    rest_distance = signed_distance(vertices)
    for joint in range(1, NUM_JOINTS):
        features, corrections = [], []
        for angles_deg in _sample_angles():
            rotation = Rotation.from_rotvec(bases[joint - 1] @ np.radians(angles_deg)).as_matrix()
            features.append((rotation - np.eye(3)).ravel())
            corrections.append(_correction(vertices, weights, average, rest_distance, joint, rotation))
        feature_matrix = np.stack(features)
        normal_matrix = feature_matrix.T @ feature_matrix + RIDGE * np.eye(9)
        fitted = np.linalg.solve(normal_matrix, feature_matrix.T @ np.stack(corrections).reshape(len(features), -1))
        posedirs[:, :, 9 * (joint - 1) : 9 * joint] = np.moveaxis(fitted.reshape(9, *vertices.shape), 0, -1)
    return posedirs


def _sample_angles() -> list[np.ndarray]:
    samples = [np.array([0.0, 0.0, flexion]) for flexion in FLEXION_SAMPLES_DEG]
    return samples + [np.array([0.0, abduction, 0.0]) for abduction in SIDE_SAMPLES_DEG]


def _correction(
    vertices: np.ndarray,
    weights: np.ndarray,
    average: csr_matrix,
    rest_distance: np.ndarray,
    joint: int,
    rotation: np.ndarray,
) -> np.ndarray:
    """Correction [V, 3] in the rest frame for one bent joint."""
    transforms = bent_transforms(joint, rotation)
    blended = np.einsum("vj,jab->vab", weights, transforms)
    posed = np.einsum("vab,vb->va", blended[:, :3, :3], vertices) + blended[:, :3, 3]
    gradient = signed_distance_gradient(posed, transforms)
    squared_length = np.maximum((gradient * gradient).sum(axis=1), 0.25)
    depth = signed_distance(posed, transforms) - rest_distance
    correction = -(depth / squared_length)[:, None] * gradient
    length = np.linalg.norm(correction, axis=1, keepdims=True)
    correction *= np.minimum(1, MAX_CORRECTION_M / np.maximum(length, 1e-9))
    correction *= _influence(weights, joint)[:, None]
    for _ in range(SMOOTHING_PASSES):
        correction = 0.5 * correction + 0.5 * (average @ correction)
    return np.linalg.solve(blended[:, :3, :3], correction[..., None])[..., 0]


def _influence(weights: np.ndarray, joint: int) -> np.ndarray:
    """[V] in 0..1: where the joint and what lies before it both pull, skinning errs."""
    moved = weights[:, _descendants(joint)].sum(axis=1)
    return np.clip(4 * moved * (1 - moved) / 0.5, 0, 1) * (moved > MIN_JOINT_WEIGHT)


def _descendants(joint: int) -> list[int]:
    """The joint and those after it in its finger."""
    chain = next(chain for chain in FINGER_CHAINS.values() if joint in chain)
    return list(chain[chain.index(joint) :])


def bent_transforms(joint: int, rotation: np.ndarray) -> np.ndarray:
    """[16, 4, 4] from rest to the pose in which only this joint is turned."""
    transforms = np.tile(np.eye(4), (NUM_JOINTS, 1, 1))
    bend = np.eye(4)
    bend[:3, :3] = rotation
    bend[:3, 3] = REST_JOINTS_M[joint] - rotation @ REST_JOINTS_M[joint]
    transforms[_descendants(joint)] = bend
    return transforms
