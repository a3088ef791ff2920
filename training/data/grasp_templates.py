"""The ways a hand takes hold of each object for each intent: where it starts, how the fingers bend, which pads press.

A template only starts the optimisation; what comes out must still pass the filters.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from funcgrasp_core.contracts import PART_NAMES
from funcgrasp_core.hand.mano_assets import FINGER_CHAINS
from training.data import grasp_starts as starts
from training.data.functional_parts import INTENT_PARTS
from training.data.grasp_placement import HandAnchor
from training.data.grasp_starts import PlaceHands
from training.data.object_families.family import Parameters

FINGERS_SIDE_BY_SIDE = ("index", "middle", "ring", "pinky")
_TIPS = {f"{finger}_tip": 1.5 for finger in (*FINGERS_SIDE_BY_SIDE, "thumb")}
_MIDDLES = {f"{finger}_middle": 0.6 for finger in FINGERS_SIDE_BY_SIDE}
_BASES = {f"{finger}_base": 0.6 for finger in FINGERS_SIDE_BY_SIDE}
_PALM = {"palm": 1.0}


@dataclass(frozen=True)
class FingerPose:
    """Start angles in degrees: the four fingers alike, and the thumb's three joints as (twist, abduction, flexion)."""

    knuckle: float
    middle: float
    outer: float
    thumb: tuple[tuple[float, float, float], tuple[float, float, float], tuple[float, float, float]]
    spread: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)  # abduction of index, middle, ring, pinky

    def angles(self) -> Tensor:
        """[15, 3] radians in the joint bases."""
        degrees = torch.zeros(15, 3)
        for finger, spread in zip(FINGERS_SIDE_BY_SIDE, self.spread, strict=True):
            for joint, flexion in zip(FINGER_CHAINS[finger], (self.knuckle, self.middle, self.outer), strict=True):
                degrees[joint - 1, 2] = flexion
            degrees[FINGER_CHAINS[finger][0] - 1, 1] = spread
        for joint, angles in zip(FINGER_CHAINS["thumb"], self.thumb, strict=True):
            degrees[joint - 1] = torch.tensor(angles)
        return degrees * (math.pi / 180)


SuitsObjects = Callable[[Parameters], Tensor]


def _suits_all(parameters: Parameters) -> Tensor:
    """[n] of true."""
    return torch.ones_like(next(iter(parameters.values())), dtype=torch.bool)


def _handle_opening(parameters: Parameters) -> Tensor:
    """[n] metres: height of the hole that fingers go through."""
    return 2 * (parameters["handle_half_height"] - parameters["handle_radius"])


@dataclass(frozen=True)
class GraspTemplate:
    """One way to take hold of an object.

    Attributes:
        category, intent: what it serves.
        pads: the pads that are drawn to the part, with their weights.
        fingers: start pose.
        place: gives one start pose per object of the batch.
        other_parts: pads that are drawn to another part than the intent's.
        suits: which objects [n] bool the template is for.
        inside: parts of the hand that may reach into the object's cavity; the optimiser takes it for solid to the
            others, which keeps fingers from slipping through a thin wall.
        tilt_rad: spread of the random turn of each start.
    """

    category: str
    intent: str
    pads: Mapping[str, float]
    fingers: FingerPose
    place: PlaceHands
    tilt_rad: float = 0.12
    other_parts: Mapping[str, str] = field(default_factory=dict)
    suits: SuitsObjects = _suits_all
    inside: tuple[str, ...] = PART_NAMES

    @property
    def part(self) -> str:
        """The part of the object that is to be touched."""
        return INTENT_PARTS[self.category, self.intent]

    def pad_parts(self) -> tuple[str, ...]:
        """For every pad the part that it is drawn to."""
        return tuple(self.other_parts.get(pad, self.part) for pad in self.pads)


def templates_for(category: str, intent: str) -> tuple[GraspTemplate, ...]:
    """The templates of an intent; empty if the category has none for it."""
    return tuple(template for template in TEMPLATES if (template.category, template.intent) == (category, intent))


_WRAP_THUMB = ((0.0, -35.0, 0.0), (0.0, 0.0, 5.0), (0.0, 0.0, 10.0))
_FIST_THUMB = ((0.0, -5.0, 15.0), (0.0, 0.0, 20.0), (0.0, 0.0, 20.0))
_OPEN_THUMB = ((0.0, -15.0, 0.0), (0.0, 0.0, 0.0), (0.0, 0.0, 10.0))
_PINCH_THUMB = ((0.0, -25.0, 0.0), (0.0, 0.0, 10.0), (0.0, 0.0, 10.0))
_PINCH_ANCHOR = HandAnchor(0.020, 0.024, 0.0092)
_WRAP_ANCHOR = HandAnchor(-0.021, 0.033, -0.0068)
_DRINKING_THUMB = ((0.0, -5.0, 15.0), (0.0, 0.0, 20.0), (0.0, 0.0, 25.0))
_TWO_FINGER_PADS = {
    **{name: 1.5 for name in ("index_tip", "middle_tip", "thumb_tip")},
    **{name: 0.6 for name in ("index_middle", "middle_middle", "index_base", "middle_base")},
}
_THREE_FINGER_PADS = {
    **{name: 1.5 for name in ("index_tip", "middle_tip", "ring_tip", "thumb_tip")},
    **{name: 0.6 for name in ("index_middle", "middle_middle", "ring_middle", "index_base", "middle_base")},
}
_WRAP_PADS = {**_TIPS, **_MIDDLES, **_PALM}
_FIST_PADS = {**_TIPS, **_MIDDLES, **_BASES, **_PALM}

TEMPLATES: tuple[GraspTemplate, ...] = (
    GraspTemplate(
        "mug",
        "use",
        _THREE_FINGER_PADS,
        FingerPose(62, 62, 25, _DRINKING_THUMB),
        starts.through_handle(HandAnchor(0.0, 0.027, 0.001), -0.006, 0.008),
        0.15,
        suits=lambda parameters: _handle_opening(parameters) > 0.052,
    ),
    GraspTemplate(
        "mug",
        "use",
        _TWO_FINGER_PADS,
        FingerPose(60, 70, 35, _DRINKING_THUMB, (0, 0, 16, 16)),
        starts.through_handle(HandAnchor(0.0, 0.027, 0.011), 0.0, 0.008),
        0.15,
        suits=lambda parameters: _handle_opening(parameters) < 0.056,
    ),
    GraspTemplate(
        "mug",
        "hold",
        _WRAP_PADS,
        FingerPose(22, 22, 12, _WRAP_THUMB),
        starts.around_body(starts.share_of_body(-0.2, 0.2), _WRAP_ANCHOR, (math.pi - 0.8, math.pi + 0.8)),
        inside=(),
    ),
    GraspTemplate(
        "mug",
        "liftup",
        _TIPS,
        FingerPose(40, 30, 15, ((0, -15, 0), (0, 0, 0), (0, 0, 10)), (-8, -2, 6, 10)),
        starts.from_above(HandAnchor(0.013, 0.0255, 0.0092), 0.025, 0.25),
        inside=(),
    ),
    GraspTemplate(
        "mug",
        "handover",
        _WRAP_PADS,
        FingerPose(22, 22, 12, _WRAP_THUMB),
        starts.around_body(starts.share_of_body(-0.55, -0.3), _WRAP_ANCHOR, (math.pi - 0.5, math.pi + 0.5)),
        inside=(),
    ),
    GraspTemplate(
        "bottle",
        "use",
        _FIST_PADS,
        FingerPose(40, 45, 22, _WRAP_THUMB),
        starts.around_body(starts.share_of_bottle_body(0.35, 0.75), _WRAP_ANCHOR),
    ),
    GraspTemplate(
        "bottle",
        "liftup",
        _TIPS,
        FingerPose(55, 40, 20, ((0, -15, 10), (0, 0, 10), (0, 0, 10))),
        starts.from_above(HandAnchor(0.015, 0.0255, 0.012), 0.030, 0.6),
    ),
    GraspTemplate(
        "bottle",
        "handover",
        _THREE_FINGER_PADS,
        FingerPose(45, 45, 24, _FIST_THUMB),
        starts.around_body(starts.bottle_neck_height, HandAnchor(-0.011, 0.027, 0.018)),
    ),
    GraspTemplate(
        "hammer",
        "use",
        _FIST_PADS,
        FingerPose(36, 36, 20, _WRAP_THUMB),
        starts.around_shaft(-0.36, -0.18, (math.pi / 2 - 0.9, math.pi / 2 + 0.9)),
        0.10,
    ),
    GraspTemplate(
        "hammer",
        "hold",
        _FIST_PADS,
        FingerPose(36, 36, 20, _WRAP_THUMB),
        starts.around_shaft(-0.05, 0.12, (-math.pi / 2 - 0.7, -math.pi / 2 + 0.7)),
        0.10,
    ),
    GraspTemplate(
        "hammer",
        "liftup",
        _FIST_PADS,
        FingerPose(36, 36, 20, _WRAP_THUMB),
        starts.around_shaft(-0.02, 0.15, (math.pi / 2 - 0.5, math.pi / 2 + 0.5)),
        0.10,
    ),
    GraspTemplate(
        "hammer",
        "handover",
        {**_TIPS, **{name: 0.6 for name in ("index_middle", "middle_middle", "ring_middle")}, **_PALM},
        FingerPose(38, 36, 20, ((0, -15, 0), (0, 0, 8), (0, 0, 12))),
        starts.around_head,
        0.10,
    ),
    GraspTemplate(
        "bowl",
        "use",
        {**_TIPS, **_MIDDLES},
        FingerPose(16, 16, 10, ((0, -25, -10), (0, 0, 0), (0, 0, 5))),
        starts.around_body(starts.share_of_body(-0.2, 0.1), HandAnchor(-0.004, 0.032, -0.0068)),
        other_parts={"thumb_tip": "rim"},
        inside=(),
    ),
    GraspTemplate(
        "bowl",
        "hold",
        {**_TIPS, **_MIDDLES, **_PALM},
        FingerPose(15, 12, 8, _OPEN_THUMB, (-8, -2, 6, 10)),
        starts.under_bowl,
        inside=(),
    ),
    GraspTemplate(
        "bowl",
        "liftup",
        {name: 1.5 for name in ("index_tip", "middle_tip", "ring_tip", "thumb_tip")},
        FingerPose(40, 30, 15, _PINCH_THUMB),
        starts.rim_pinch(0.5, _PINCH_ANCHOR),
        inside=("thumb",),
    ),
    GraspTemplate(
        "bowl",
        "handover",
        {name: 1.5 for name in ("index_tip", "middle_tip", "ring_tip", "thumb_tip")},
        FingerPose(40, 30, 15, _PINCH_THUMB),
        starts.rim_pinch(2.0, _PINCH_ANCHOR),
        inside=("thumb",),
    ),
)
"""All templates; an intent may have several, which then share its grasps."""
