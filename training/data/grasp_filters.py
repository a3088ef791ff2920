"""Which optimised grasps are good enough to teach from: every limit is a named rule, so rejections can be counted.

The geometry is judged on exact meshes and distances, not on the approximations that the optimiser used.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from training.data.grasping_hand import GraspingHand, HandPoses
from training.data.hand_interior import depths_inside
from training.data.hand_self_contact import HandSelfContact
from training.data.object_families.family import ObjectFamily, Parameters, single_object
from training.metrics.grasp_physics import displacement_under_gravity

LATTICE_SPACING_M = 0.004
"""Spacing of the points that intersection volumes are counted with."""


@dataclass(frozen=True)
class FilterLimits:
    """What a grasp may have at most, or must have at least."""

    max_depth_m: float = 0.003  # hand surface inside the object
    max_object_depth_m: float = 0.004  # object surface inside the hand; a flat palm on an edge reaches it first
    max_volume_cm3: float = 2.5
    max_self_contact_m: float = 0.0025
    touch_distance_m: float = 0.004
    min_parts_on_target: int = 3
    contact_distance_m: float = 0.005
    min_target_share: float = 0.6  # of the hand vertices within contact_distance_m
    max_thumb_gap_m: float = 0.012  # no thumb hangs in the air
    max_displacement_m: float = 0.02  # mean over the hand's three axes


@dataclass(frozen=True)
class GraspMeasures:
    """What the filters look at, for G grasps; distances in metres."""

    depth: np.ndarray
    object_depth: np.ndarray
    volume_cm3: np.ndarray
    self_contact: np.ndarray
    num_parts_on_target: np.ndarray
    target_share: np.ndarray
    thumb_gap: np.ndarray
    displacement: np.ndarray

    def failures(self, limits: FilterLimits) -> dict[str, np.ndarray]:
        """Rule -> [G] bool, true where the grasp breaks it; a displacement not computed (NaN) breaks nothing."""
        return {
            "depth": self.depth > limits.max_depth_m,
            "object_depth": self.object_depth > limits.max_object_depth_m,
            "volume": self.volume_cm3 > limits.max_volume_cm3,
            "self_contact": self.self_contact > limits.max_self_contact_m,
            "parts_on_target": self.num_parts_on_target < limits.min_parts_on_target,
            "target_share": self.target_share < limits.min_target_share,
            "thumb_gap": self.thumb_gap > limits.max_thumb_gap_m,
            "displacement": self.displacement > limits.max_displacement_m,
        }


def interior_lattice(family: ObjectFamily, parameters: Parameters, spacing_m: float = LATTICE_SPACING_M) -> Tensor:
    """[P, 3] points of a regular lattice inside one object."""
    reach = family.half_extents(parameters)[0]
    axes = [torch.arange(-float(side) + spacing_m / 2, float(side), spacing_m) for side in reach]
    lattice = torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1).reshape(1, -1, 3)
    return lattice[0, family.signed_distance(lattice, parameters)[0] < 0]


@torch.no_grad()
def measure_geometry(
    hand: GraspingHand,
    self_contact: HandSelfContact,
    poses: HandPoses,
    family: ObjectFamily,
    parameters: Mapping[str, Tensor],
    part: str,
    object_points: Tensor,
    lattices: Sequence[Tensor],
    limits: FilterLimits,
) -> GraspMeasures:
    """Everything but the physics (displacement is NaN).

    Args:
        hand, self_contact: the hand model.
        poses: G hands.
        family, parameters: G objects, one a hand.
        part: the part that must be touched.
        object_points: [G, P, 3] points of the objects' surfaces.
        lattices: for every hand the points [n, 3] inside its object, from `interior_lattice`.
        limits: gives the distances at which something counts as touching.
    """
    state = hand(poses)
    closed_faces = hand.layer.closed_faces
    face_centres = state.vertices[:, hand.layer.faces].mean(2)
    distances = family.signed_distance(torch.cat([state.vertices, face_centres], dim=1), parameters)
    vertex_distances = distances[:, : state.vertices.shape[1]]
    to_part = family.signed_distance(state.vertices, parameters, part)
    contact = vertex_distances < limits.contact_distance_m
    on_target = family.part_labels(state.vertices, parameters) == family.part_names.index(part)
    gaps = torch.stack([to_part[:, hand.part_labels == label].amin(1) for label in range(6)], dim=1)
    thumb_gap = vertex_distances[:, hand.part_labels == 1].amin(1)
    object_depths, volumes = [], []
    for index, vertices in enumerate(state.vertices):
        object_depths.append(depths_inside(object_points[index], vertices, closed_faces).amax())
        num_inside = (depths_inside(lattices[index], vertices, closed_faces) > 0).sum()
        volumes.append(num_inside * (LATTICE_SPACING_M * 100) ** 3)
    return GraspMeasures(
        depth=(-distances).clamp(min=0).amax(1).numpy(),
        object_depth=torch.stack(object_depths).numpy(),
        volume_cm3=torch.stack(volumes).numpy(),
        self_contact=self_contact(state).amax((1, 2)).numpy(),
        num_parts_on_target=(gaps < limits.touch_distance_m).sum(1).numpy(),
        target_share=((contact & on_target).sum(1) / contact.sum(1).clamp(min=1)).numpy(),
        thumb_gap=thumb_gap.numpy(),
        displacement=np.full(len(distances), np.nan),
    )


@torch.no_grad()
def measure_displacements(
    hand: GraspingHand, poses: HandPoses, family: ObjectFamily, parameters: Mapping[str, Tensor]
) -> np.ndarray:
    """[G] metres: how far each object moves, mean over gravity out of the palm, along the fingers and to the thumb.

    Three instead of six directions halve the time, and these three lead out of the hand.
    """
    state = hand(poses)
    faces = hand.layer.closed_faces.numpy()
    hand_axes = (state.joint_rotations[:, 0] @ hand.palm).mT.double().numpy()
    return np.array(
        [
            displacement_under_gravity(
                state.vertices[index].numpy(),
                faces,
                family.convex_pieces(single_object(parameters, index)),
                hand_axes[index],
            ).mean()
            for index in range(len(state.vertices))
        ]
    )
