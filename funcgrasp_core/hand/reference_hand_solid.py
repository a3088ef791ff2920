"""The solid that the reference hand is the skin of: rounded cones around a skeleton, smoothly united.

Axes as MANO's right hand at rest: fingers along -x, thumb towards +z, palm facing -y. Metres. The proportions are an
adult's (hand length 0.19 m, palm width 0.085 m), written down for this project and not measured from MANO.
"""

from dataclasses import dataclass

import numpy as np

from funcgrasp_core.hand.mano_assets import FINGER_CHAINS

REST_JOINTS_M = np.array(
    [
        [0.0957, 0.0064, 0.0062],  # wrist
        [0.0076, 0.0040, 0.0268],  # index
        [-0.0252, 0.0050, 0.0300],
        [-0.0480, 0.0040, 0.0312],
        [0.0010, 0.0055, 0.0028],  # middle
        [-0.0335, 0.0070, 0.0012],
        [-0.0585, 0.0062, 0.0002],
        [0.0230, 0.0010, -0.0380],  # pinky
        [-0.0005, 0.0015, -0.0455],
        [-0.0195, 0.0012, -0.0500],
        [0.0115, 0.0042, -0.0190],  # ring
        [-0.0205, 0.0055, -0.0240],
        [-0.0455, 0.0048, -0.0270],
        [0.0740, -0.0060, 0.0300],  # thumb
        [0.0480, -0.0130, 0.0520],
        [0.0240, -0.0165, 0.0680],
    ]
)
"""The 16 joints in MANO's order."""

TIP_CENTRES_M = {
    "thumb": np.array([0.0010, -0.0185, 0.0800]),
    "index": np.array([-0.0700, 0.0020, 0.0318]),
    "middle": np.array([-0.0820, 0.0042, -0.0010]),
    "ring": np.array([-0.0695, 0.0028, -0.0290]),
    "pinky": np.array([-0.0370, -0.0005, -0.0535]),
}
"""Centres of the balls that end the fingers."""

FINGER_RADII_M = {
    "thumb": (0.0128, 0.0116, 0.0104, 0.0086),
    "index": (0.0104, 0.0095, 0.0087, 0.0072),
    "middle": (0.0106, 0.0097, 0.0089, 0.0074),
    "ring": (0.0100, 0.0091, 0.0083, 0.0069),
    "pinky": (0.0090, 0.0081, 0.0074, 0.0062),
}
"""Radii at the three joints and the tip of each finger."""

WRIST_PLANE_X_M = 0.1120
"""Where the hand ends: the open wrist lies in this plane."""

FINGER_WEB_BLEND_M = 0.003
PHALANX_BLEND_M = 0.004
KNUCKLE_BLEND_M = {"thumb": 0.014, "index": 0.011, "middle": 0.011, "ring": 0.011, "pinky": 0.011}


@dataclass(frozen=True)
class Cone:
    """A cone with round ends; each end moves with a joint.

    Attributes:
        start, end: centres of the two balls at rest.
        start_radius, end_radius: of the balls.
        start_joint, end_joint: the joints (MANO's order) whose frames carry the ends.
        blend: width over which it melts into what it is united with.
    """

    start: np.ndarray
    end: np.ndarray
    start_radius: float
    end_radius: float
    start_joint: int = 0
    end_joint: int = 0
    blend: float = PHALANX_BLEND_M

    def signed_distance(self, points: np.ndarray, transforms: np.ndarray) -> np.ndarray:
        """Distances [N] of points [N, 3] when the joints moved by `transforms` [16, 4, 4] (posed from rest)."""
        start = _moved(self.start, transforms[self.start_joint])
        end = _moved(self.end, transforms[self.end_joint])
        axis = end - start
        along = np.clip((points - start) @ axis / (axis @ axis), 0, 1)
        radius = self.start_radius + (self.end_radius - self.start_radius) * along
        return np.linalg.norm(points - start - along[:, None] * axis, axis=1) - radius


def _moved(point: np.ndarray, transform: np.ndarray) -> np.ndarray:
    return transform[:3, :3] @ point + transform[:3, 3]


def _palm_cones() -> list[Cone]:
    wrist = REST_JOINTS_M[0]
    cones = []
    # Metacarpals; each starts in the carpus and ends just below its knuckle.
    for finger, offset_z, radius in (
        ("index", 0.014, 0.0112),
        ("middle", 0.004, 0.0114),
        ("ring", -0.006, 0.0106),
        ("pinky", -0.015, 0.0096),
    ):
        knuckle = REST_JOINTS_M[FINGER_CHAINS[finger][0]]
        carpal_end = wrist + np.array([-0.004, -0.003, offset_z])
        cones.append(Cone(carpal_end, knuckle + np.array([0.004, -0.0035, 0.0]), 0.0125, radius, blend=0.018))
    ball_of_little_finger = Cone(
        np.array([0.082, -0.0055, -0.018]), np.array([0.034, -0.006, -0.036]), 0.0115, 0.0105, blend=0.018
    )
    thumb_base, thumb_middle = REST_JOINTS_M[13], REST_JOINTS_M[14]
    ball_of_thumb = Cone(
        np.array([0.084, -0.007, 0.018]), 0.3 * thumb_base + 0.7 * thumb_middle, 0.0125, 0.0135, 0, 13, blend=0.020
    )
    web = Cone(np.array([0.055, -0.004, 0.030]), np.array([0.018, -0.001, 0.030]), 0.0095, 0.0085, blend=0.016)
    return [*cones, ball_of_little_finger, ball_of_thumb, web]


def finger_points(finger: str) -> list[np.ndarray]:
    """The three joints of a finger and the centre of its tip, at rest."""
    return [*(REST_JOINTS_M[joint] for joint in FINGER_CHAINS[finger]), TIP_CENTRES_M[finger]]


def _finger_cones(finger: str) -> list[Cone]:
    points, radii, chain = finger_points(finger), FINGER_RADII_M[finger], FINGER_CHAINS[finger]
    return [Cone(points[k], points[k + 1], radii[k], radii[k + 1], chain[k], chain[k]) for k in range(3)]


PALM_CONES = _palm_cones()
FINGER_CONES = {finger: _finger_cones(finger) for finger in FINGER_CHAINS}
REST_TRANSFORMS = np.broadcast_to(np.eye(4), (16, 4, 4))


def signed_distance(points: np.ndarray, transforms: np.ndarray = REST_TRANSFORMS) -> np.ndarray:
    """Approximate signed distance [N] of points [N, 3] to the hand, negative inside.

    Args:
        points: metres.
        transforms: [16, 4, 4] how each joint's frame moved from rest; the hand at rest when left out.
    """
    palm = PALM_CONES[0].signed_distance(points, transforms)
    for cone in PALM_CONES[1:]:
        palm = smooth_minimum(palm, cone.signed_distance(points, transforms), cone.blend)
    palm = smooth_minimum(palm, _forearm_distance(points), 0.022)
    hand = palm
    for finger, cones in FINGER_CONES.items():
        distance = cones[0].signed_distance(points, transforms)
        for cone in cones[1:]:
            distance = smooth_minimum(distance, cone.signed_distance(points, transforms), cone.blend)
        with_palm = smooth_minimum(palm, distance, KNUCKLE_BLEND_M[finger])
        hand = smooth_minimum(hand, with_palm, FINGER_WEB_BLEND_M)
    return hand


def signed_distance_gradient(points: np.ndarray, transforms: np.ndarray = REST_TRANSFORMS) -> np.ndarray:
    """Gradient [N, 3] of `signed_distance`, by central differences."""
    step = 1e-4
    columns = [
        (signed_distance(points + step * axis, transforms) - signed_distance(points - step * axis, transforms))
        for axis in np.eye(3)
    ]
    return np.stack(columns, axis=1) / (2 * step)


def smooth_minimum(first: np.ndarray, second: np.ndarray, width: float) -> np.ndarray:
    """The smaller of two distances, rounded where they differ by less than `width`."""
    overlap = np.maximum(width - np.abs(first - second), 0) / width
    return np.minimum(first, second) - overlap * overlap * width / 4


def project_to_surface(points: np.ndarray, iterations: int = 3) -> np.ndarray:
    """Move points [N, 3] onto the surface of the resting hand along the gradient."""
    for _ in range(iterations):
        gradient = signed_distance_gradient(points)
        squared_length = np.maximum((gradient * gradient).sum(1), 0.05)
        points = points - (signed_distance(points) / squared_length)[:, None] * gradient
    return points


def fingertip_apex(finger: str) -> np.ndarray:
    """The foremost point of a finger: where its last bone's axis leaves the tip's ball."""
    *_, last_joint, centre = finger_points(finger)
    direction = centre - last_joint
    return centre + FINGER_RADII_M[finger][3] * direction / np.linalg.norm(direction)


def _forearm_distance(points: np.ndarray) -> np.ndarray:
    """A stub of forearm of elliptic section (1.42 times as wide as thick) around the x axis."""
    section = np.linalg.norm((points - (0.0, 0.0030, 0.0))[:, 1:] / (1.0, 1.42), axis=1) - 0.0185
    return np.maximum(section, np.abs(points[:, 0] - 0.115) - 0.025)
