"""Agreement of a contact map with the best-matching of several right answers.

One object and one intent have several grasps, and an object of revolution has a circle of each. A single map that
averages them predicts contact nowhere, so a map is compared with each kept grasp, turned through the object's symmetry,
and the best agreement counts.
"""

from collections.abc import Sequence

import numpy as np
import torch
from scipy.spatial import KDTree

from funcgrasp_core.contracts import CONTACT_TAU_M, CONTACT_THRESHOLD_M, PART_NAMES
from funcgrasp_core.errors import ConfigurationError
from funcgrasp_core.geometry.contact_field import distances_from_probabilities

CONTINUOUS_SYMMETRY_STEPS = 36
"""An object of revolution is turned in steps of 10 degrees."""


def touched_from_probabilities(
    probabilities: np.ndarray, tau: float = CONTACT_TAU_M, threshold: float = CONTACT_THRESHOLD_M
) -> np.ndarray:
    """Which (point, part) pairs touch by the distance rule -tau ln p < threshold; [..., 6] bool."""
    return distances_from_probabilities(torch.as_tensor(probabilities), tau).numpy() < threshold


def touched_by_hand(
    points: np.ndarray, hand_vertices: np.ndarray, part_labels: np.ndarray, threshold: float = CONTACT_THRESHOLD_M
) -> np.ndarray:
    """Which parts of a real hand lie within `threshold` of each object point.

    Args:
        points: [N, 3] of the object, metres.
        hand_vertices: [V, 3] in the same frame.
        part_labels: [V] part of each vertex, 0 to 5 as in PART_NAMES.
        threshold: metres.

    Returns:
        [N, 6] bool.
    """
    trees = [KDTree(hand_vertices[part_labels == part]) for part in range(len(PART_NAMES))]
    return np.stack([tree.query(points, distance_upper_bound=threshold)[0] < threshold for tree in trees], axis=-1)


def symmetry_angles(symmetry_order: int) -> np.ndarray:
    """Turns about z that map an object on itself, radians.

    Args:
        symmetry_order: 1 for none, n for n turns of 360 / n degrees, 0 for an object of revolution.
    """
    if symmetry_order < 0:
        raise ConfigurationError(f"symmetry_order is {symmetry_order}; expected 0 (revolution), 1 (none) or n turns")
    steps = CONTINUOUS_SYMMETRY_STEPS if symmetry_order == 0 else symmetry_order
    return np.arange(steps) * (2 * np.pi / steps)


def turned_maps(points: np.ndarray, touched: np.ndarray, angles_rad: np.ndarray) -> np.ndarray:
    """The map of the same grasp turned about z with its symmetric object, read at the same points.

    Args:
        points: [N, 3] in a frame whose z axis is the object's axis of symmetry.
        touched: [..., N, 6] maps over `points`.
        angles_rad: [R] turns.

    Returns:
        [..., R, N, 6]: at each point, the value of the point nearest to where it came from.
    """
    tree = KDTree(points)
    sources = []
    for angle in angles_rad:
        cos, sin = np.cos(angle), np.sin(angle)
        back = np.array([[cos, sin, 0.0], [-sin, cos, 0.0], [0.0, 0.0, 1.0]])
        sources.append(tree.query(points @ back.T)[1])
    return touched[..., np.stack(sources), :]


def contact_map_f1(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """F1 over all points and parts together.

    Args:
        predicted: [N, 6] bool.
        truth: [..., N, 6] bool.

    Returns:
        [...] in [0, 1]; 1 where both are empty.
    """
    common = (truth & predicted).sum(axis=(-2, -1))
    total = truth.sum(axis=(-2, -1)) + predicted.sum()
    return np.where(total == 0, 1.0, 2 * common / np.maximum(total, 1))


def best_mode_f1(
    points: np.ndarray, predicted: np.ndarray, truth_modes: Sequence[np.ndarray], symmetry_order: int
) -> float:
    """F1 with the best-matching right answer, symmetry included.

    Args:
        points: [N, 3] in the object's frame.
        predicted: [N, 6] bool.
        truth_modes: one [N, 6] bool map for each kept grasp of this object and intent.
        symmetry_order: of the object about z, see `symmetry_angles`.
    """
    if len(truth_modes) == 0:
        raise ConfigurationError("truth_modes is empty; expected the map of at least one kept grasp")
    turned = turned_maps(points, np.stack(list(truth_modes)), symmetry_angles(symmetry_order))
    return float(contact_map_f1(predicted, turned).max())
