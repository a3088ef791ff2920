"""Skin weights of the reference hand, the order of its vertices, and its joint regressor."""

import numpy as np

from funcgrasp_core.hand.mano_assets import FINGER_CHAINS, NUM_JOINTS, TIP_VERTICES
from funcgrasp_core.hand.mesh_polishing import neighbour_average
from funcgrasp_core.hand.reference_hand_solid import (
    FINGER_RADII_M,
    REST_JOINTS_M,
    Cone,
    finger_points,
    fingertip_apex,
)

WRIST_RING = (38, 122, 118, 117, 119, 120, 108, 79, 78, 121, 214, 215, 279, 239, 234, 92)
"""MANO's vertices around the open wrist, in the order in which a lid's outline runs; tools close the wrist by them."""

BLOCK_ORDER = ("palm", "index", "middle", "ring", "pinky", "thumb")
"""Where the parts lie in the order of vertices, as in MANO."""

KNUCKLE_WEIGHT_WIDTH_M = {"thumb": 0.016, "index": 0.013, "middle": 0.013, "ring": 0.013, "pinky": 0.013}
WEIGHT_SMOOTHING_PASSES = 3
REGRESSOR_EVENNESS_M2 = 1e-5
"""Squared misfit of a joint's movement against the squared spread of its coefficients."""


def skin_weights(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Smooth skin weights [V, 16]; rows sum to one.

    A vertex belongs to fingers by its distance to their bones, and within a finger's chain by a smooth step across
    the bisecting plane of each joint.
    """
    membership = _finger_membership(vertices)
    weights = np.zeros((len(vertices), NUM_JOINTS))
    for column, finger in enumerate(FINGER_CHAINS):
        chain = (0, *FINGER_CHAINS[finger])
        weights[:, chain] += membership[:, [column]] * _weights_along_finger(vertices, finger)
    average = neighbour_average(faces, len(vertices))
    for _ in range(WEIGHT_SMOOTHING_PASSES):
        weights = 0.5 * weights + 0.5 * (average @ weights)
    weights[weights < 1e-4] = 0
    return weights / weights.sum(axis=1, keepdims=True)


def _finger_membership(vertices: np.ndarray) -> np.ndarray:
    """[V, 5] how much a vertex belongs to each finger, in the order of FINGER_CHAINS."""
    scores = []
    for finger in FINGER_CHAINS:
        points = finger_points(finger)
        bones = [Cone(points[k], points[k + 1], 0.0, 0.0) for k in range(3)]
        rest = np.broadcast_to(np.eye(4), (NUM_JOINTS, 4, 4))
        distance = np.min([bone.signed_distance(vertices, rest) for bone in bones], axis=0)
        scores.append(-1.6 * (distance / FINGER_RADII_M[finger][0]) ** 2)
    logits = np.stack(scores, axis=1)
    membership = np.exp(logits - logits.max(axis=1, keepdims=True))
    return membership / membership.sum(axis=1, keepdims=True)


def _weights_along_finger(vertices: np.ndarray, finger: str) -> np.ndarray:
    """[V, 4] shares of the wrist and of the three joints of a finger."""
    points, radii = finger_points(finger), FINGER_RADII_M[finger]
    before_first = np.array([0.0957, 0.0, 0.012]) if finger == "thumb" else REST_JOINTS_M[0]
    beyond = [np.ones(len(vertices))]
    for k in range(3):
        incoming = points[k] - (points[k - 1] if k else before_first)
        outgoing = points[k + 1] - points[k]
        normal = incoming / np.linalg.norm(incoming) + outgoing / np.linalg.norm(outgoing)
        along = (vertices - points[k]) @ (normal / np.linalg.norm(normal))
        width = 0.9 * radii[k] if k else KNUCKLE_WEIGHT_WIDTH_M[finger]
        step = np.clip((along / width + 1) / 2, 0, 1)
        beyond.append(beyond[-1] * step * step * (3 - 2 * step))
    beyond.append(np.zeros(len(vertices)))
    return np.stack([beyond[k] - beyond[k + 1] for k in range(4)], axis=1)


def nearest_to_apexes(vertices: np.ndarray) -> dict[str, int]:
    """The vertex nearest to each finger's foremost point."""
    return {finger: int(np.linalg.norm(vertices - fingertip_apex(finger), axis=1).argmin()) for finger in FINGER_CHAINS}


def mano_vertex_order(vertices: np.ndarray, weights: np.ndarray, wrist_ring: np.ndarray) -> np.ndarray:
    """Which vertex goes where so that tips, wrist ring and the blocks of parts lie as in MANO.

    Args:
        vertices: [V, 3].
        weights: [V, 16].
        wrist_ring: the 16 boundary vertices in the order in which a lid's outline runs.

    Returns:
        [V] old index of every new vertex.
    """
    tips = nearest_to_apexes(vertices)
    fixed: dict[int, int] = dict(zip(WRIST_RING, map(int, wrist_ring), strict=True))
    fixed.update(zip(TIP_VERTICES["right"], (tips[finger] for finger in FINGER_CHAINS), strict=True))
    owner = weights.argmax(axis=1)
    blocks = []
    for part in BLOCK_ORDER:
        joints = (0,) if part == "palm" else FINGER_CHAINS[part]
        members = np.flatnonzero(np.isin(owner, joints))
        start = REST_JOINTS_M[0] if part == "palm" else finger_points(part)[0]
        blocks.append(members[np.argsort(np.linalg.norm(vertices[members] - start, axis=1), kind="stable")])
    taken = set(fixed.values())
    others = iter([int(vertex) for vertex in np.concatenate(blocks) if int(vertex) not in taken])
    return np.array([fixed[place] if place in fixed else next(others) for place in range(len(vertices))])


def joint_regressor(
    vertices: np.ndarray, weights: np.ndarray, shapedirs: np.ndarray, joint_shapedirs: np.ndarray
) -> np.ndarray:
    """[16, V] sparse regressor: exact on the template, least squares under the shape directions.

    Each joint is a combination, summing to one and as even as possible, of the vertices around it that it or its
    parent moves.

    Args:
        vertices: [V, 3] template.
        weights: [V, 16] skin weights.
        shapedirs: [V, 3, S] displacement of vertices per unit of shape.
        joint_shapedirs: [16, 3, S] how the joints should move.
    """
    regressor = np.zeros((NUM_JOINTS, len(vertices)))
    parents = {0: 0}
    for chain in FINGER_CHAINS.values():
        parents.update(zip(chain, (0, *chain[:-1]), strict=True))
    for joint in range(NUM_JOINTS):
        concerned = weights[:, [joint, parents[joint]]].sum(axis=1) > 0.5
        distances = np.where(concerned, np.linalg.norm(vertices - REST_JOINTS_M[joint], axis=1), np.inf)
        ring = np.argsort(distances, kind="stable")[: 64 if joint == 0 else 32]
        regressor[joint, ring] = _combination(
            vertices[ring], REST_JOINTS_M[joint], shapedirs[ring], joint_shapedirs[joint]
        )
    return regressor


def _combination(points: np.ndarray, target: np.ndarray, point_dirs: np.ndarray, target_dirs: np.ndarray) -> np.ndarray:
    """Coefficients c with sum 1 and c points = target exactly that fit the directions and stay near the mean."""
    count = len(points)
    constraints = np.concatenate([np.ones((1, count)), points.T])
    wanted = np.concatenate([[1.0], target])
    directions = point_dirs.reshape(count, -1).T
    quadratic = directions.T @ directions + REGRESSOR_EVENNESS_M2 * np.eye(count)
    linear = directions.T @ target_dirs.reshape(-1) + REGRESSOR_EVENNESS_M2 / count
    system = np.block([[quadratic, constraints.T], [constraints, np.zeros((4, 4))]])
    return np.linalg.lstsq(system, np.concatenate([linear, wanted]), rcond=None)[0][:count]
