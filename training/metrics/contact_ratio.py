"""Whether a grasp touches its object at all.

Other definitions of the contact ratio are in use: this one is the share of grasps that touch.
"""

import numpy as np

from training.metrics.exact_mesh import ExactMesh

CONTACT_DISTANCE_M = 0.005


def contact_vertices(
    hand_vertices: np.ndarray, object_mesh: ExactMesh, distance: float = CONTACT_DISTANCE_M
) -> np.ndarray:
    """Which hand vertices [V, 3] lie inside the object or within `distance` of its surface; [V] bool."""
    return object_mesh.signed_distances(hand_vertices) <= distance


def touches_object(hand_vertices: np.ndarray, object_mesh: ExactMesh, distance: float = CONTACT_DISTANCE_M) -> bool:
    """Whether any hand vertex lies in the object or within 5 mm of it; its mean over grasps is the contact ratio."""
    return bool(contact_vertices(hand_vertices, object_mesh, distance).any())
