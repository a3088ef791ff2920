"""The ways a hand takes hold of each object for each intent: where it starts, how the fingers bend, which pads press.

A template only starts the optimisation; what comes out must still pass the filters.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from funcgrasp_core.hand.mano_assets import FINGER_CHAINS
from training.data import grasp_placement as place
from training.data.functional_parts import INTENT_PARTS
from training.data.grasp_placement import HandAnchor, Placement, uniform
from training.data.object_families.family import ObjectFamily, Parameters

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


PlaceHands = Callable[[ObjectFamily, Parameters, torch.Generator], Placement]


@dataclass(frozen=True)
class GraspTemplate:
    """One way to take hold of an object.

    Attributes:
        category, intent: what it serves.
        pads: the pads that are drawn to the part, with their weights.
        fingers: start pose.
        place: gives one start pose per object of the batch.
        other_parts: pads that are drawn to another part than the intent's.
        hollow: whether the hand may reach into the object's cavity; if not, the optimiser takes it for solid, which
            keeps fingers from slipping through a thin wall.
        tilt_rad: spread of the random turn of each start.
    """

    category: str
    intent: str
    pads: Mapping[str, float]
    fingers: FingerPose
    place: PlaceHands
    tilt_rad: float = 0.12
    other_parts: Mapping[str, str] = field(default_factory=dict)
    hollow: bool = True

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


def _point(x: Tensor | float, y: Tensor | float, z: Tensor) -> Tensor:
    """[n, 3] of coordinates; numbers are spread to the length of z."""
    return torch.stack([torch.as_tensor(x).expand_as(z), torch.as_tensor(y).expand_as(z), z], dim=-1)


def _through_handle(family: ObjectFamily, parameters: Parameters, generator: torch.Generator) -> Placement:
    """Fingers reach through the loop from its left, thumb up; the wrist swings around the handle's bar."""
    num = len(parameters["height"])
    swing = uniform(num, math.radians(-10), math.radians(75), generator)
    fingers = _point(-swing.cos(), swing.sin(), torch.zeros(num))
    palms = _point(-swing.sin(), -swing.cos(), torch.zeros(num))
    bar = parameters["handle_shift"] + uniform(num, -0.008, 0.010, generator)
    return Placement(
        fingers, palms, _point(family.half_extents(parameters)[:, 0], 0.0, bar), HandAnchor(0.0, 0.027, 0.001)
    )


def _around_body(
    heights: Callable[[ObjectFamily, Parameters, torch.Generator], Tensor],
    anchor: HandAnchor,
    azimuth: tuple[float, float] = (0.0, 2 * math.pi),
    fingers_down: float = 0.0,
) -> PlaceHands:
    """The palm on an upright object's side, thumb up, fingers around it.

    Args:
        heights: z of the palm, [n] metres.
        anchor: the palm's point that touches.
        azimuth: range of the direction that the hand comes from, radians from +x.
        fingers_down: tangent of the fingers' slope.
    """

    def start(family: ObjectFamily, parameters: Parameters, generator: torch.Generator) -> Placement:
        height = heights(family, parameters, generator)
        outwards = place.horizontal(uniform(len(height), *azimuth, generator))
        on_axis = _point(place.axis_of_revolution(family, parameters), 0.0, height)
        targets = place.surface_towards(family, parameters, on_axis, outwards)
        up = place.upwards(len(height))
        return Placement(torch.linalg.cross(-outwards, up, dim=-1) - fingers_down * up, -outwards, targets, anchor)

    return start


def _share_of_body(low: float, high: float) -> Callable[[ObjectFamily, Parameters, torch.Generator], Tensor]:
    """Heights between two shares of the half height, 1 being the top."""

    def heights(family: ObjectFamily, parameters: Parameters, generator: torch.Generator) -> Tensor:
        half_height = family.half_extents(parameters)[:, 2]
        return half_height * uniform(len(half_height), low, high, generator)

    return heights


def _share_of_bottle_body(low: float, high: float) -> Callable[[ObjectFamily, Parameters, torch.Generator], Tensor]:
    """Heights between two shares of the part below the shoulder, 0 being the bottom."""

    def heights(family: ObjectFamily, parameters: Parameters, generator: torch.Generator) -> Tensor:
        body_height = parameters["body_height"]
        return body_height * uniform(len(body_height), low, high, generator) - family.half_extents(parameters)[:, 2]

    return heights


def _bottle_neck_height(family: ObjectFamily, parameters: Parameters, generator: torch.Generator) -> Tensor:
    """The middle of neck and cap."""
    top = family.half_extents(parameters)[:, 2]
    return top - (parameters["neck_height"] + parameters["cap_height"]) * uniform(len(top), 0.4, 0.6, generator)


def _from_above(anchor: HandAnchor, clearance: float, droop: float) -> PlaceHands:
    """Palm down over an upright object's top, five fingers around it.

    Args:
        anchor: the palm's point that comes over the axis.
        clearance: its height above the top, metres.
        droop: tangent of the fingers' slope downwards.
    """

    def start(family: ObjectFamily, parameters: Parameters, generator: torch.Generator) -> Placement:
        top = family.half_extents(parameters)[:, 2]
        up = place.upwards(len(top))
        fingers = place.horizontal(uniform(len(top), 0.0, 2 * math.pi, generator)) - droop * up
        return Placement(
            fingers, -up, _point(place.axis_of_revolution(family, parameters), 0.0, top + clearance), anchor
        )

    return start


def _rim_pinch(inwards: float, anchor: HandAnchor) -> PlaceHands:
    """Fingers outside the wall and thumb inside; the hand comes from above (`inwards` small) or from the side."""

    def start(family: ObjectFamily, parameters: Parameters, generator: torch.Generator) -> Placement:
        top = family.half_extents(parameters)[:, 2]
        outwards = place.horizontal(uniform(len(top), 0.0, 2 * math.pi, generator))
        up = place.upwards(len(top))
        rim = outwards * family.half_extents(parameters)[:, 1:2] + up * top[:, None]
        return Placement(-0.85 * up - inwards * outwards, -outwards, rim, anchor)

    return start


def _under_bowl(family: ObjectFamily, parameters: Parameters, generator: torch.Generator) -> Placement:
    """The bowl stands on the open palm, fingers up along its wall."""
    bottom = -family.half_extents(parameters)[:, 2]
    up = place.upwards(len(bottom))
    fingers = place.horizontal(uniform(len(bottom), 0.0, 2 * math.pi, generator))
    return Placement(fingers + 0.1 * up, up, _point(0.0, 0.0, bottom), HandAnchor(-0.012, 0.033, 0.0))


def _around_shaft(low: float, high: float, turn: tuple[float, float], thumb_to_head: bool = True) -> PlaceHands:
    """The hand around the shaft, across it.

    Args:
        low, high: where along the shaft the palm is, as shares of the length from the middle.
        turn: range of the direction the hand comes from, about the shaft, radians from +y towards +z.
        thumb_to_head: whether the thumb points to the head.
    """

    def start(family: ObjectFamily, parameters: Parameters, generator: torch.Generator) -> Placement:
        length = parameters["length"]
        num = len(length)
        angle = uniform(num, *turn, generator)
        outwards = _point(0.0, angle.cos(), angle.sin())
        thumb = torch.tensor([1.0 if thumb_to_head else -1.0, 0.0, 0.0]).expand(num, 3)
        axis_z = (parameters["peen_length"] - parameters["face_length"]) / 2
        inside = _point(length * uniform(num, low, high, generator), 0.0, axis_z)
        targets = place.surface_towards(family, parameters, inside, outwards, "shaft")
        return Placement(
            torch.linalg.cross(-outwards, thumb, dim=-1), -outwards, targets, HandAnchor(-0.009, 0.030, -0.0068)
        )

    return start


def _around_head(family: ObjectFamily, parameters: Parameters, generator: torch.Generator) -> Placement:
    """The palm on the head's end face away from the shaft, fingers around its sides, thumb up or down."""
    half_extents = family.half_extents(parameters)
    num = len(half_extents)
    outwards = place.horizontal(uniform(num, -0.5, 0.5, generator))
    thumb = place.upwards(num) * torch.where(torch.rand(num, generator=generator) < 0.5, -1.0, 1.0)[:, None]
    axis_z = (parameters["peen_length"] - parameters["face_length"]) / 2
    targets = _point(half_extents[:, 0], 0.0, axis_z + uniform(num, -0.010, 0.010, generator))
    return Placement(
        torch.linalg.cross(-outwards, thumb, dim=-1), -outwards, targets, HandAnchor(-0.005, 0.030, -0.0068)
    )


_WRAP_THUMB = ((0.0, -35.0, 0.0), (0.0, 0.0, 5.0), (0.0, 0.0, 10.0))
_FIST_THUMB = ((0.0, -5.0, 15.0), (0.0, 0.0, 20.0), (0.0, 0.0, 20.0))
_OPEN_THUMB = ((0.0, -15.0, 0.0), (0.0, 0.0, 0.0), (0.0, 0.0, 10.0))
_PINCH_THUMB = ((0.0, -12.0, 12.0), (0.0, 0.0, 12.0), (0.0, 0.0, 10.0))
_WRAP_ANCHOR = HandAnchor(-0.021, 0.033, -0.0068)
_HANDLE_PADS = {
    **{name: 1.5 for name in ("index_tip", "middle_tip", "ring_tip", "thumb_tip")},
    **{name: 0.6 for name in ("index_middle", "middle_middle", "ring_middle", "index_base", "middle_base")},
}
_NECK_PADS = {
    **{name: 1.5 for name in ("index_tip", "middle_tip", "ring_tip", "thumb_tip")},
    **{name: 0.6 for name in ("index_middle", "middle_middle", "ring_middle", "index_base", "middle_base")},
}
_WRAP_PADS = {**_TIPS, **_MIDDLES, **_PALM}
_FIST_PADS = {**_TIPS, **_MIDDLES, **_BASES, **_PALM}

TEMPLATES: tuple[GraspTemplate, ...] = (
    GraspTemplate(
        "mug",
        "use",
        _HANDLE_PADS,
        FingerPose(62, 62, 25, ((0, -5, 15), (0, 0, 20), (0, 0, 25))),
        _through_handle,
        0.15,
    ),
    GraspTemplate(
        "mug",
        "hold",
        _WRAP_PADS,
        FingerPose(22, 22, 12, _WRAP_THUMB),
        _around_body(_share_of_body(-0.2, 0.2), _WRAP_ANCHOR, (math.pi - 0.8, math.pi + 0.8)),
        hollow=False,
    ),
    GraspTemplate(
        "mug",
        "liftup",
        _TIPS,
        FingerPose(40, 30, 15, ((0, -15, 0), (0, 0, 0), (0, 0, 10)), (-8, -2, 6, 10)),
        _from_above(HandAnchor(0.013, 0.0255, 0.0092), 0.025, 0.25),
    ),
    GraspTemplate(
        "mug",
        "handover",
        _WRAP_PADS,
        FingerPose(22, 22, 12, _WRAP_THUMB),
        _around_body(_share_of_body(-0.55, -0.3), _WRAP_ANCHOR, (math.pi - 0.5, math.pi + 0.5)),
        hollow=False,
    ),
    GraspTemplate(
        "bottle",
        "use",
        _FIST_PADS,
        FingerPose(40, 45, 22, _WRAP_THUMB),
        _around_body(_share_of_bottle_body(0.35, 0.75), _WRAP_ANCHOR),
    ),
    GraspTemplate(
        "bottle",
        "liftup",
        _TIPS,
        FingerPose(55, 40, 20, ((0, -15, 10), (0, 0, 10), (0, 0, 10))),
        _from_above(HandAnchor(0.015, 0.0255, 0.012), 0.030, 0.6),
    ),
    GraspTemplate(
        "bottle",
        "handover",
        _NECK_PADS,
        FingerPose(45, 45, 24, _FIST_THUMB),
        _around_body(_bottle_neck_height, HandAnchor(-0.011, 0.027, 0.018)),
    ),
    GraspTemplate(
        "hammer",
        "use",
        _FIST_PADS,
        FingerPose(36, 36, 20, _WRAP_THUMB),
        _around_shaft(-0.36, -0.18, (math.pi / 2 - 0.9, math.pi / 2 + 0.9)),
        0.10,
    ),
    GraspTemplate(
        "hammer",
        "hold",
        _FIST_PADS,
        FingerPose(36, 36, 20, _WRAP_THUMB),
        _around_shaft(-0.05, 0.12, (-math.pi / 2 - 0.7, -math.pi / 2 + 0.7)),
        0.10,
    ),
    GraspTemplate(
        "hammer",
        "liftup",
        _FIST_PADS,
        FingerPose(36, 36, 20, _WRAP_THUMB),
        _around_shaft(-0.02, 0.15, (math.pi / 2 - 0.5, math.pi / 2 + 0.5)),
        0.10,
    ),
    GraspTemplate(
        "hammer",
        "handover",
        {**_TIPS, **{name: 0.6 for name in ("index_middle", "middle_middle", "ring_middle")}, **_PALM},
        FingerPose(38, 36, 20, ((0, -15, 0), (0, 0, 8), (0, 0, 12))),
        _around_head,
        0.10,
    ),
    GraspTemplate(
        "bowl",
        "use",
        {**_TIPS, **_MIDDLES},
        FingerPose(16, 16, 10, ((0, -25, -10), (0, 0, 0), (0, 0, 5))),
        _around_body(_share_of_body(-0.2, 0.1), HandAnchor(-0.004, 0.032, -0.0068)),
        other_parts={"thumb_tip": "rim"},
        hollow=False,
    ),
    GraspTemplate(
        "bowl",
        "hold",
        {**_TIPS, **_MIDDLES, **_PALM},
        FingerPose(15, 12, 8, _OPEN_THUMB, (-8, -2, 6, 10)),
        _under_bowl,
        hollow=False,
    ),
    GraspTemplate(
        "bowl",
        "liftup",
        {name: 1.5 for name in ("index_tip", "middle_tip", "ring_tip", "thumb_tip")},
        FingerPose(30, 25, 12, _PINCH_THUMB),
        _rim_pinch(0.5, HandAnchor(0.029, 0.0195, 0.0092)),
    ),
    GraspTemplate(
        "bowl",
        "handover",
        {name: 1.5 for name in ("index_tip", "middle_tip", "ring_tip", "thumb_tip")},
        FingerPose(30, 25, 12, _PINCH_THUMB),
        _rim_pinch(2.0, HandAnchor(0.029, 0.0195, 0.0092)),
    ),
)
"""All templates; an intent may have several, which then share its grasps."""
