"""Mean pose and pose components of the reference hand.

MANO's come from principal components of scanned hands. Here they are written down: the first components are the
movements that hands make most (grasping together, thumb opposition, spreading, single fingers); the rest complete
them to an orthonormal basis.
"""

import numpy as np

from funcgrasp_core.hand.mano_assets import FINGER_CHAINS

TWIST, ABDUCTION, FLEXION = 0, 1, 2
LONG_FINGERS = ("index", "middle", "ring", "pinky")

RELAXED_FLEXION_DEG = {
    "index": (18, 24, 12),
    "middle": (22, 28, 14),
    "ring": (24, 30, 14),
    "pinky": (24, 28, 14),
    "thumb": (5, 8, 10),
}


def relaxed_pose(bases: np.ndarray) -> np.ndarray:
    """`hands_mean` [45]: the axis-angle finger pose of a hand at ease; bases [15, 3, 3]."""
    angles = np.zeros((15, 3))
    for finger, flexion_deg in RELAXED_FLEXION_DEG.items():
        angles[np.array(FINGER_CHAINS[finger]) - 1, FLEXION] = np.radians(flexion_deg)
    return np.einsum("jab,jb->ja", bases, angles).reshape(45)


def pose_components(bases: np.ndarray) -> np.ndarray:
    """`hands_components` [45, 45]: orthonormal rows, the most used movements first; bases [15, 3, 3]."""
    rows = [np.einsum("jab,jb->ja", bases, movement).reshape(45) for movement in _movements()]
    # Gram and Schmidt in this order; later rows lose what earlier ones already span.
    components: list[np.ndarray] = []
    for row in rows:
        for component in components:
            row = row - (row @ component) * component
        length = np.linalg.norm(row)
        if length > 1e-6:
            components.append(row / length)
    return np.stack(components)


def _movements() -> list[np.ndarray]:
    movements = [
        _movement({finger: (1.0, 1.2, 0.8) for finger in LONG_FINGERS}, FLEXION),
        _movement({"thumb": (1.0, 0.6, 0.8)}, FLEXION),
        _movement({"thumb": (1.0, 0.3, 0.0)}, ABDUCTION),
        _movement({"index": (1.0, 1.0, 0.6), "ring": (-0.6, -0.6, -0.4), "pinky": (-1.0, -1.0, -0.6)}, FLEXION),
        _movement(
            {"index": (-1.0, 0, 0), "middle": (-0.3, 0, 0), "ring": (0.4, 0, 0), "pinky": (1.0, 0, 0)}, ABDUCTION
        ),
        _movement({finger: (1.0, -0.6, -0.4) for finger in LONG_FINGERS}, FLEXION),
        _movement({"thumb": (1.0, 0.0, 0.0)}, TWIST),
        _movement({finger: (1.0, 1.0, 1.0) for finger in ("middle", "ring")}, FLEXION),
    ]
    single_angles = np.eye(45).reshape(45, 15, 3)
    by_axis = [single_angles[axis::3] for axis in (FLEXION, ABDUCTION, TWIST)]
    return [*movements, *np.concatenate(by_axis)]


def _movement(amounts: dict[str, tuple[float, float, float]], axis: int) -> np.ndarray:
    movement = np.zeros((15, 3))
    for finger, amount in amounts.items():
        movement[np.array(FINGER_CHAINS[finger]) - 1, axis] = amount
    return movement
