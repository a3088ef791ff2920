"""How deep the hand reaches into the object."""

import numpy as np

from training.metrics.exact_mesh import ExactMesh


def penetration_depth(hand_vertices: np.ndarray, object_mesh: ExactMesh) -> float:
    """Largest distance from a hand vertex inside the object to the closest point of its surface.

    The closest *surface* point counts, not the closest vertex: on a coarse mesh a vertex may be centimetres away.
    On a thin shell the value is at most half a wall, so judge it together with the intersection volume.

    Args:
        hand_vertices: [V, 3] metres, in the object's frame.
        object_mesh: the exact object.

    Returns:
        Metres; 0 if no vertex is inside.
    """
    return float(max(0.0, -object_mesh.signed_distances(hand_vertices).min()))
