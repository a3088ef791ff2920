"""The values that cross layers, and the names that all of them share.

Metres, radians, right-handed frames, z up in the planning frame. Arrays are NumPy here: what a device needs is
made at the model's border. Symbols: N object points, K candidates, J joints, V hand vertices.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

PART_NAMES = ("palm", "thumb", "index", "middle", "ring", "pinky")
"""Hand parts in the order of every contact map's last axis; class 0 of a hard label is "no contact"."""

NO_CONTACT_LABEL = 0
CONTACT_CLASS_NAMES = ("no_contact", *PART_NAMES)

INTENTS = ("use", "hold", "liftup", "handover")
"""OakInk's intents 0001 to 0004, in its order."""

VIEW_SLOTS = ("front", "back", "left", "right", "top", "bottom")
"""Camera positions around the object, in the order of every view axis.

The object is seen in the planning frame by a camera that stands at -y (front), +y (back), -x (left), +x (right),
+z (top), -z (bottom). Image up is +z, for top and bottom it is +y."""

CONTACT_TAU_M = 0.010
"""Length scale of soft contact: probability exp(-distance / tau)."""

CONTACT_THRESHOLD_M = 0.010
"""A point nearer than this to a hand part counts as touched by it."""

MANO_VECTOR_SIZE = 61
"""48 axis-angle pose (3 global + 15 joints x 3, flat mean), 10 shape, 3 translation of the wrist."""


@dataclass(frozen=True)
class ObjectObservation:
    """What is known of an object.

    Attributes:
        points: [N, 3] float32, metres, in `frame`; axes are the planning frame's.
        views: view slot -> [H, W, 3] uint8 RGB; a missing slot is an absent key.
        frame: name of the frame that `points` are given in.
    """

    points: np.ndarray
    views: Mapping[str, np.ndarray] = field(default_factory=dict)
    frame: str = "object"


@dataclass(frozen=True)
class GraspRequest:
    """What is asked of the planner.

    Attributes:
        instruction: what the robot is told, in plain words.
        num_candidates: K, how many grasps are sampled and returned.
        seed: of every random choice; the same request and seed give the same plan.
    """

    instruction: str
    num_candidates: int = 16
    seed: int = 0


@dataclass(frozen=True)
class ContactMap:
    """Which hand part touches where.

    Attributes:
        points: [N, 3] metres, in the plan's frame.
        probabilities: [N, 6] independent probabilities, parts as in PART_NAMES.
    """

    points: np.ndarray
    probabilities: np.ndarray


@dataclass(frozen=True)
class GraspCandidates:
    """Grasps as the model samples them, unranked, in the object frame (origin: centre of the seen cloud's box).

    Attributes:
        vectors: [K, 61] MANO vectors.
        contact_probabilities: [K, N, 6], each candidate's own contact map over `points`.
        points: [N, 3] the points that the model saw.
    """

    vectors: np.ndarray
    contact_probabilities: np.ndarray
    points: np.ndarray


@dataclass(frozen=True)
class PlannedGrasp:
    """One ranked grasp, in the plan's frame.

    Attributes:
        vector: [61] MANO vector.
        score: in [0, 1], higher is better.
        score_terms: what the score is made of, by name.
        joints: [21, 3] metres: wrist, then thumb, index, middle, ring, pinky from base to tip.
        vertices: [778, 3] metres.
        wrist_pose: [4, 4] frame_from_wrist, MANO's wrist axes.
        pregrasp_pose: [4, 4] the wrist pose to go to before the approach.
        approach_direction: [3] unit vector along which the hand moves from pre-grasp to grasp.
    """

    vector: np.ndarray
    score: float
    score_terms: Mapping[str, float]
    joints: np.ndarray
    vertices: np.ndarray
    wrist_pose: np.ndarray
    pregrasp_pose: np.ndarray
    approach_direction: np.ndarray


@dataclass(frozen=True)
class GraspPlan:
    """Ranked grasps, best first, and the contact map of the best.

    Attributes:
        frame: frame of everything below.
        instruction: as asked.
        grasps: best first.
        contact_map: of the best grasp.
        hand_faces: [F, 3] triangles of every grasp's vertices, wrist closed.
        timings: seconds by stage.
        notes: sentences about what was done to the input (points dropped, views missing).
    """

    frame: str
    instruction: str
    grasps: tuple[PlannedGrasp, ...]
    contact_map: ContactMap
    hand_faces: np.ndarray
    timings: Mapping[str, float]
    notes: tuple[str, ...] = ()
