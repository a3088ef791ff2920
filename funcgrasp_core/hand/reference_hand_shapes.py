"""Shape directions of the reference hand: how adult hands differ, one standard deviation a unit.

Each direction stretches the skeleton's segments along or across their axes; vertices follow by their skin weights.
The deviations are rounded from anthropometric tables of adult hands (both sexes pooled): hand length 6 %, breadth 6 %,
single proportions at given size 4 to 8 %.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from funcgrasp_core.hand.mano_assets import FINGER_CHAINS, NUM_JOINTS
from funcgrasp_core.hand.reference_hand_solid import REST_JOINTS_M, finger_points

PALM_FLESH_LENGTH_M = 0.04
LONG_FINGERS = ("index", "middle", "ring", "pinky")


@dataclass(frozen=True)
class ShapeDirection:
    """Relative growth per standard deviation.

    Attributes:
        name: what varies.
        scale: of the whole hand, about the wrist.
        palm: of the palm along (length x, thickness y, width z).
        lengths: finger -> of its bones along their axes.
        girths: finger -> of its flesh across its bones.
        tip_girths: finger -> additional girth that grows from none at the base to this at the tip.
    """

    name: str
    scale: float = 0.0
    palm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    lengths: dict[str, float] = field(default_factory=dict)
    girths: dict[str, float] = field(default_factory=dict)
    tip_girths: dict[str, float] = field(default_factory=dict)


def _each(fingers: Iterable[str], growth: float) -> dict[str, float]:
    return dict.fromkeys(fingers, growth)


SHAPE_DIRECTIONS = (
    ShapeDirection("hand size", scale=0.06),
    ShapeDirection("finger length", lengths=_each(LONG_FINGERS, 0.05)),
    ShapeDirection("finger thickness", girths=_each(FINGER_CHAINS, 0.08)),
    ShapeDirection("palm width", palm=(0.0, 0.0, 0.05)),
    ShapeDirection("palm length", palm=(0.045, 0.0, 0.0)),
    ShapeDirection("thumb length", lengths={"thumb": 0.06}),
    ShapeDirection("palm thickness", palm=(0.0, 0.08, 0.0)),
    ShapeDirection("index longer than ring finger", lengths={"index": 0.03, "ring": -0.03}),
    ShapeDirection("little finger length", lengths={"pinky": 0.06}),
    ShapeDirection("fingertip taper", tip_girths=_each(FINGER_CHAINS, -0.08)),
)


def shape_directions(vertices: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Displacements of vertices [V, 3, 10] and joints [16, 3, 10] per unit of each shape direction."""
    pairs = [_displacements(vertices, weights, direction) for direction in SHAPE_DIRECTIONS]
    return np.stack([pair[0] for pair in pairs], axis=-1), np.stack([pair[1] for pair in pairs], axis=-1)


def _displacements(
    vertices: np.ndarray, weights: np.ndarray, direction: ShapeDirection
) -> tuple[np.ndarray, np.ndarray]:
    wrist = REST_JOINTS_M[0]
    palm_growth = np.array(direction.palm)
    field_of_joint = np.zeros((NUM_JOINTS, *vertices.shape))
    joint_displacement = np.zeros((NUM_JOINTS, 3))
    field_of_joint[0] = palm_growth * (vertices - wrist)
    # The wrist itself keeps its thickness: the flesh of the palm grows from there towards the knuckles.
    field_of_joint[0, :, 1] *= np.clip((wrist[0] - vertices[:, 0]) / PALM_FLESH_LENGTH_M, 0, 1)
    for finger, chain in FINGER_CHAINS.items():
        points = finger_points(finger)
        carried = palm_growth * (points[0] - wrist)
        total_length = sum(np.linalg.norm(points[k + 1] - points[k]) for k in range(3))
        walked = 0.0
        for k, joint in enumerate(chain):
            bone = points[k + 1] - points[k]
            length = np.linalg.norm(bone)
            axis = bone / length
            along = (vertices - points[k]) @ axis
            across = vertices - points[k] - along[:, None] * axis
            place = np.clip((walked + along) / total_length, 0, 1)
            girth = direction.girths.get(finger, 0.0) + direction.tip_girths.get(finger, 0.0) * place
            growth = direction.lengths.get(finger, 0.0)
            joint_displacement[joint] = carried
            # Flesh around the tip keeps its form: only the bone itself is stretched.
            stretched = growth * np.minimum(along, length)
            field_of_joint[joint] = carried + stretched[:, None] * axis + girth[:, None] * across
            carried = carried + growth * bone
            walked += float(length)
    vertex_displacement = np.einsum("vj,jvc->vc", weights, field_of_joint)
    vertex_displacement += direction.scale * (vertices - wrist)
    joint_displacement += direction.scale * (REST_JOINTS_M - wrist)
    return vertex_displacement, joint_displacement
