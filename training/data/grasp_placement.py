"""Where a hand starts: a point of the hand is put on a point of the object, turned by where fingers and palm look."""

from dataclasses import dataclass

import torch
from torch import Tensor

from funcgrasp_core.geometry.rotations import axis_angle_to_matrix
from training.data.grasping_hand import GraspingHand
from training.data.object_families.family import ObjectFamily, Parameters


@dataclass(frozen=True)
class HandAnchor:
    """A point fixed to the hand, metres from the middle finger's knuckle joint."""

    fingerwards: float
    palmwards: float
    thumbwards: float


@dataclass(frozen=True)
class Placement:
    """Start poses of n hands in the object's frame.

    Attributes:
        finger_directions: [n, 3] where the stretched fingers point; need not be unit length.
        palm_normals: [n, 3] where the palm looks; made perpendicular to the fingers.
        targets: [n, 3] where the anchor comes to lie, metres.
        anchor: the point of the hand.
    """

    finger_directions: Tensor
    palm_normals: Tensor
    targets: Tensor
    anchor: HandAnchor

    def wrist_poses(self, hand: GraspingHand, tilts: Tensor) -> tuple[Tensor, Tensor]:
        """Wrist rotation [n, 3, 3] and position [n, 3], turned about the target by the axis-angle `tilts` [n, 3]."""
        finger = torch.nn.functional.normalize(self.finger_directions, dim=-1)
        palm = self.palm_normals - (self.palm_normals * finger).sum(-1, keepdim=True) * finger
        palm = torch.nn.functional.normalize(palm, dim=-1)
        seen = torch.stack([finger, palm, torch.linalg.cross(finger, palm, dim=-1)], dim=-1)
        rotation = axis_angle_to_matrix(tilts) @ seen @ hand.palm.T
        offset = torch.tensor([self.anchor.fingerwards, self.anchor.palmwards, self.anchor.thumbwards])
        in_wrist = hand.middle_knuckle + hand.palm @ offset
        return rotation, self.targets - rotation @ in_wrist


def uniform(num: int, low: float, high: float, generator: torch.Generator) -> Tensor:
    """[num] numbers drawn evenly from low to high."""
    return low + (high - low) * torch.rand(num, generator=generator)


def horizontal(angle_rad: Tensor) -> Tensor:
    """Unit vectors [n, 3] in the horizontal plane at angles [n] from +x."""
    return torch.stack([angle_rad.cos(), angle_rad.sin(), torch.zeros_like(angle_rad)], dim=-1)


def upwards(num: int) -> Tensor:
    """[num, 3] of (0, 0, 1)."""
    return torch.tensor([0.0, 0.0, 1.0]).expand(num, 3)


def surface_towards(
    family: ObjectFamily, parameters: Parameters, inner_points: Tensor, directions: Tensor, part: str | None = None
) -> Tensor:
    """The outermost surface points [n, 3] seen from afar along -`directions`, on rays through `inner_points` [n, 3]."""
    start = inner_points + 0.3 * directions
    way = torch.zeros_like(start[:, 0])
    for _ in range(60):
        points = start - way[:, None] * directions
        way = (way + 0.9 * family.signed_distance(points[:, None], parameters, part)[:, 0]).clamp(max=0.3)
    return (start - way[:, None] * directions).detach()


def axis_of_revolution(family: ObjectFamily, parameters: Parameters) -> Tensor:
    """[n] where the vertical axis of a mug, bottle or bowl stands on x: a handle moves the box's centre off it."""
    half_extents = family.half_extents(parameters)
    return half_extents[:, 1] - half_extents[:, 0]
