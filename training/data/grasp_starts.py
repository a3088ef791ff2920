"""Start poses of hands on upright objects, handles, rims, shafts and heads; the grasp templates choose among them."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from training.data import grasp_placement as place
from training.data.grasp_placement import HandAnchor, Placement, uniform
from training.data.object_families.family import ObjectFamily, Parameters

PlaceHands = Callable[[ObjectFamily, Parameters, torch.Generator], Placement]
"""Gives one random start per object."""

Heights = Callable[[ObjectFamily, Parameters, torch.Generator], Tensor]
"""Gives one random height z per object, metres."""


def _point(x: Tensor | float, y: Tensor | float, z: Tensor) -> Tensor:
    """[n, 3] of coordinates; numbers are spread to the length of z."""
    return torch.stack([torch.as_tensor(x).expand_as(z), torch.as_tensor(y).expand_as(z), z], dim=-1)


def through_handle(anchor: HandAnchor, lowest: float, highest: float) -> PlaceHands:
    """Fingers reach through the loop from its left, thumb up; the wrist swings around the handle's bar.

    Args:
        anchor: the hand's point that comes to the bar.
        lowest, highest: where on the bar, metres above the loop's centre.
    """

    def start(family: ObjectFamily, parameters: Parameters, generator: torch.Generator) -> Placement:
        num = len(parameters["height"])
        swing = uniform(num, math.radians(-10), math.radians(75), generator)
        fingers = _point(-swing.cos(), swing.sin(), torch.zeros(num))
        palms = _point(-swing.sin(), -swing.cos(), torch.zeros(num))
        bar = parameters["handle_shift"] + uniform(num, lowest, highest, generator)
        targets = _point(family.half_extents(parameters)[:, 0], 0.0, bar)
        return Placement(fingers, palms, targets, anchor)

    return start


def around_body(
    heights: Heights,
    anchor: HandAnchor,
    azimuth: tuple[float, float] = (0.0, 2 * math.pi),
) -> PlaceHands:
    """The palm on an upright object's side, thumb up, fingers around it.

    Args:
        heights: z of the palm, [n] metres.
        anchor: the palm's point that touches.
        azimuth: range of the direction that the hand comes from, radians from +x.
    """

    def start(family: ObjectFamily, parameters: Parameters, generator: torch.Generator) -> Placement:
        height = heights(family, parameters, generator)
        outwards = place.horizontal(uniform(len(height), *azimuth, generator))
        on_axis = _point(place.axis_of_revolution(family, parameters), 0.0, height)
        targets = place.surface_towards(family, parameters, on_axis, outwards)
        up = place.upwards(len(height))
        return Placement(torch.linalg.cross(-outwards, up, dim=-1), -outwards, targets, anchor)

    return start


def share_of_body(low: float, high: float) -> Heights:
    """Heights between two shares of the half height, 1 being the top."""

    def heights(family: ObjectFamily, parameters: Parameters, generator: torch.Generator) -> Tensor:
        half_height = family.half_extents(parameters)[:, 2]
        return half_height * uniform(len(half_height), low, high, generator)

    return heights


def share_of_bottle_body(low: float, high: float) -> Heights:
    """Heights between two shares of the part below the shoulder, 0 being the bottom."""

    def heights(family: ObjectFamily, parameters: Parameters, generator: torch.Generator) -> Tensor:
        body_height = parameters["body_height"]
        return body_height * uniform(len(body_height), low, high, generator) - family.half_extents(parameters)[:, 2]

    return heights


def bottle_neck_height(family: ObjectFamily, parameters: Parameters, generator: torch.Generator) -> Tensor:
    """The middle of neck and cap."""
    top = family.half_extents(parameters)[:, 2]
    return top - (parameters["neck_height"] + parameters["cap_height"]) * uniform(len(top), 0.4, 0.6, generator)


def from_above(anchor: HandAnchor, clearance: float, droop: float) -> PlaceHands:
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


def rim_pinch(inwards: float, anchor: HandAnchor) -> PlaceHands:
    """Fingers outside the wall and thumb inside; the hand comes from above (`inwards` small) or from the side."""

    def start(family: ObjectFamily, parameters: Parameters, generator: torch.Generator) -> Placement:
        top = family.half_extents(parameters)[:, 2]
        outwards = place.horizontal(uniform(len(top), 0.0, 2 * math.pi, generator))
        up = place.upwards(len(top))
        rim = outwards * family.half_extents(parameters)[:, 1:2] + up * top[:, None]
        return Placement(-0.85 * up - inwards * outwards, -outwards, rim, anchor)

    return start


def under_bowl(family: ObjectFamily, parameters: Parameters, generator: torch.Generator) -> Placement:
    """The bowl stands on the open palm, fingers up along its wall."""
    bottom = -family.half_extents(parameters)[:, 2]
    up = place.upwards(len(bottom))
    fingers = place.horizontal(uniform(len(bottom), 0.0, 2 * math.pi, generator))
    return Placement(fingers + 0.1 * up, up, _point(0.0, 0.0, bottom), HandAnchor(-0.012, 0.033, 0.0))


def around_shaft(low: float, high: float, turn: tuple[float, float]) -> PlaceHands:
    """The hand around the shaft, across it, thumb towards the head.

    Args:
        low, high: where along the shaft the palm is, as shares of the length from the middle.
        turn: range of the direction the hand comes from, about the shaft, radians from +y towards +z.
    """

    def start(family: ObjectFamily, parameters: Parameters, generator: torch.Generator) -> Placement:
        length = parameters["length"]
        num = len(length)
        angle = uniform(num, *turn, generator)
        outwards = _point(0.0, angle.cos(), angle.sin())
        thumb = torch.tensor([1.0, 0.0, 0.0]).expand(num, 3)
        axis_z = (parameters["peen_length"] - parameters["face_length"]) / 2
        inside = _point(length * uniform(num, low, high, generator), 0.0, axis_z)
        targets = place.surface_towards(family, parameters, inside, outwards, "shaft")
        return Placement(
            torch.linalg.cross(-outwards, thumb, dim=-1), -outwards, targets, HandAnchor(-0.009, 0.030, -0.0068)
        )

    return start


def around_head(family: ObjectFamily, parameters: Parameters, generator: torch.Generator) -> Placement:
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
