"""What the grasp optimiser minimises: pads on the designated part, nothing inside anything, a steady and natural hand.

Every term is [B], unreduced. Penetration is counted linearly and squared: the first closes small overlaps, the second
large ones. Lengths that divide are the scale at which a term starts to matter.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from training.data.cavity_filling import CavityFilling
from training.data.grasping_hand import GraspingHand, HandState
from training.data.hand_self_contact import HandSelfContact
from training.data.object_families import ObjectFamily

FINGER_FLEXIONS = ((0, 1, 2), (3, 4, 5), (9, 10, 11), (6, 7, 8))
"""Rows of the joint angles of index, middle, ring and pinky, side by side as on the hand."""


@dataclass(frozen=True)
class ObjectiveWeights:
    """Weights of the terms: a millimetre of penetration must cost more than a millimetre of missing contact."""

    contact: float = 10.0  # per metre of a pad's distance to the part
    hand_inside_object: float = 1.0
    object_inside_hand: float = 1.0
    self_contact: float = 2000.0  # per square metre
    posture: float = 0.18
    balance: float = 0.04


@dataclass(frozen=True)
class TouchedPads:
    """Nearest skin of every pad to the designated part, G pads.

    Attributes:
        distances: [B, G] metres, mean of the nearest few vertices.
        nearest: [B, G] metres, of the nearest vertex.
        points, normals: [B, G, 3] of the nearest vertex.
    """

    distances: Tensor
    nearest: Tensor
    points: Tensor
    normals: Tensor


class PadSelector:
    """Picks the pads of a template from the skin."""

    def __init__(self, hand: GraspingHand, pad_weights: Mapping[str, float], vertices_per_pad: int = 4) -> None:
        self.indices = torch.cat([hand.groups[name] for name in pad_weights])
        sizes = [len(hand.groups[name]) for name in pad_weights]
        self.spans = list(zip(torch.tensor([0, *sizes]).cumsum(0).tolist()[:-1], sizes, strict=True))
        self.weights = torch.tensor(list(pad_weights.values()))
        self.vertices_per_pad = vertices_per_pad

    def touch(self, vertices: Tensor, normals: Tensor, part_distances: Tensor) -> TouchedPads:
        """The nearest skin of each pad, from the vertices `self.indices`: [B, n, 3], [B, n, 3] and [B, n]."""
        means, nearest, winners = [], [], []
        for start, size in self.spans:
            values, order = part_distances[:, start : start + size].topk(
                min(self.vertices_per_pad, size), dim=1, largest=False
            )
            means.append(values.mean(1))
            nearest.append(values[:, 0])
            winners.append(start + order[:, 0])
        chosen = torch.stack(winners, dim=1)[..., None].expand(-1, -1, 3)
        return TouchedPads(
            torch.stack(means, 1),
            torch.stack(nearest, 1),
            vertices.gather(1, chosen),
            normals.gather(1, chosen),
        )


def penetration_cost(depths: Tensor, scale_m: float = 0.002) -> Tensor:
    """[B] sum over [B, n] of depth plus squared depth; metres."""
    return depths.sum(1) + depths.square().sum(1) / scale_m


def balance_cost(pads: TouchedPads, reach_m: float = 0.006, lever_m: float = 0.04) -> Tensor:
    """[B] squared net force and torque if every touching pad pressed with the same force along its normal."""
    strength = torch.exp(-pads.nearest / reach_m)[..., None]
    total = strength.sum(1) + 0.5
    levers = (pads.points - pads.points.mean(1, keepdim=True)) / lever_m
    force = (strength * pads.normals).sum(1) / total
    torque = (strength * torch.linalg.cross(levers, pads.normals, dim=-1)).sum(1) / total
    return force.square().sum(1) + 0.3 * torque.square().sum(1)


def posture_cost(joint_angles: Tensor, initial_angles: Tensor) -> Tensor:
    """[B] distance from the template's posture, outer joints that do not follow, fingers unlike their neighbours."""
    away = ((joint_angles - initial_angles) / 0.5).square().mean((1, 2))
    rows = torch.tensor(FINGER_FLEXIONS, device=joint_angles.device)
    flexions = joint_angles[:, rows, 2]
    outer = (flexions[:, :, 2] - 0.6 * flexions[:, :, 1]).square().mean(1)
    neighbours = (flexions[:, 1:] - flexions[:, :-1]).square().mean((1, 2))
    return away + 1.0 * outer + 0.6 * neighbours


class NearestSkin:
    """Depth of object points inside the hand by their nearest skin vertex; the pairing is renewed now and then."""

    def __init__(self, object_points: Tensor) -> None:
        self.object_points = object_points
        self._pairing: tuple[Tensor, Tensor] | None = None

    def renew(self, vertices: Tensor, normals: Tensor) -> None:
        """Find each object point's nearest vertex, among [B, V, 3], again."""
        with torch.no_grad():
            nearest = torch.cdist(self.object_points, vertices).argmin(-1)[..., None].expand(-1, -1, 3)
            self._pairing = nearest, normals.gather(1, nearest)

    def depths(self, vertices: Tensor) -> Tensor:
        """[B, P] metres >= 0, along the normal of the nearest vertex."""
        if self._pairing is None:
            raise RuntimeError("renew() must be called before depths()")
        nearest, normals = self._pairing
        return ((vertices.gather(1, nearest) - self.object_points) * normals).sum(-1).clamp(min=0)


@dataclass(frozen=True)
class GraspScene:
    """Objects and the parts of them to be grasped, one a hand.

    Attributes:
        family: the objects' family.
        parameters: name -> [B].
        pad_parts: for every pad the part that it is drawn to.
        object_points: [B, P, 3] points of the surface near the hand.
        filling: what makes the object's cavity solid, if any of the hand is to stay out of it.
        kept_outside: [n] indices of the vertices that stay out.
    """

    family: ObjectFamily
    parameters: Mapping[str, Tensor]
    pad_parts: tuple[str, ...]
    object_points: Tensor
    filling: CavityFilling | None
    kept_outside: Tensor

    def distance(self, vertices: Tensor) -> Tensor:
        """Signed distance [B, V] of the skin [B, V, 3] to the object, cavity included where it counts as solid."""
        distance = self.family.signed_distance(vertices, self.parameters)
        if self.filling is None:
            return distance
        filled = self.filling.distance(vertices.index_select(1, self.kept_outside))
        nearer = torch.minimum(distance.index_select(1, self.kept_outside), filled)
        return distance.index_copy(1, self.kept_outside, nearer)


class SynthesisObjective:
    """The weighted sum for one template; `progress` in [0, 1] ramps penetration from a quarter to double."""

    def __init__(
        self,
        hand: GraspingHand,
        self_contact: HandSelfContact,
        scene: GraspScene,
        pad_weights: Mapping[str, float],
        initial_angles: Tensor,
        weights: ObjectiveWeights,
    ) -> None:
        self.hand, self.self_contact, self.scene, self.weights = hand, self_contact, scene, weights
        self.pads = PadSelector(hand, pad_weights)
        self.initial_angles = initial_angles
        self.nearest_skin = NearestSkin(scene.object_points)

    def __call__(self, state: HandState, joint_angles: Tensor, progress: float) -> dict[str, Tensor]:
        """Weighted terms by name, each [B]."""
        scene, weights = self.scene, self.weights
        inside = -scene.distance(state.vertices)
        pad_vertices = state.vertices.index_select(1, self.pads.indices)
        touched = self.pads.touch(
            pad_vertices,
            self.hand.skin_normals(state, self.pads.indices),
            self._distances_to_parts(pad_vertices),
        )
        ramp = 0.25 + 1.75 * min(1.0, progress / 0.6)
        reach = (self.pads.weights.to(touched.distances) * touched.distances.clamp(max=0.06)).sum(1)
        object_depths = self.nearest_skin.depths(state.vertices)
        terms = {
            "contact": weights.contact * reach,
            "hand_inside_object": ramp * weights.hand_inside_object * penetration_cost((inside - 0.0004).clamp(min=0)),
            "object_inside_hand": ramp * weights.object_inside_hand * penetration_cost(object_depths),
            "self_contact": weights.self_contact * self.self_contact(state).square().sum((1, 2)),
            "posture": weights.posture * posture_cost(joint_angles, self.initial_angles),
        }
        if progress > 0.15:
            terms["balance"] = weights.balance * balance_cost(touched)
        return terms

    def _distances_to_parts(self, pad_vertices: Tensor) -> Tensor:
        """[B, n] unsigned distance of every pad's vertices [B, n, 3] to the part that the pad is drawn to."""
        scene = self.scene
        distances = []
        first_pad = 0
        for part, pads in itertools.groupby(scene.pad_parts):
            last_pad = first_pad + len(list(pads)) - 1
            start, end = self.pads.spans[first_pad][0], sum(self.pads.spans[last_pad])
            distances.append(scene.family.signed_distance(pad_vertices[:, start:end], scene.parameters, part).abs())
            first_pad = last_pad + 1
        return torch.cat(distances, dim=1)
