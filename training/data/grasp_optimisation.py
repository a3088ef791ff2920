"""Batched optimisation of grasps through the hand layer, from a template's start poses to hands that hold a part."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from funcgrasp_core.contracts import PART_NAMES
from funcgrasp_core.geometry.rotations import axis_angle_to_matrix
from funcgrasp_core.hand.joint_limits import JOINT_LOWER_RAD, JOINT_UPPER_RAD
from training.data.cavity_filling import CavityFilling
from training.data.grasp_templates import GraspTemplate
from training.data.grasping_hand import GraspingHand, HandPoses, HandState
from training.data.hand_self_contact import HandSelfContact
from training.data.object_families.family import ObjectFamily, Parameters
from training.data.synthesis_objective import GraspScene, ObjectiveWeights, SynthesisObjective


@dataclass(frozen=True)
class OptimisationSettings:
    """How the optimiser runs."""

    num_steps: int = 160
    rotation_rate: float = 0.02  # Adam steps in radians; constant for the first half, then falling
    translation_rate: float = 0.0022  # metres
    joint_rate: float = 0.028  # radians
    final_rate_share: float = 0.1  # of each rate at the last step
    renew_pairing_every: int = 4  # steps between searches of each object point's nearest skin
    num_object_points: int = 384  # surface points near the hand
    angle_noise_rad: float = 0.06  # of the start pose, where a joint can move
    shape_deviation: float = 0.5  # of the ten shape coefficients
    weights: ObjectiveWeights = field(default_factory=ObjectiveWeights)


def start_poses(
    hand: GraspingHand,
    template: GraspTemplate,
    family: ObjectFamily,
    parameters: Parameters,
    settings: OptimisationSettings,
    generator: torch.Generator,
) -> HandPoses:
    """One random start of the template for each of the B objects in `parameters` (drawn on the CPU)."""
    placement = template.place(family, parameters, generator)
    num = len(placement.targets)
    rotation, translation = placement.wrist_poses(hand, template.tilt_rad * torch.randn(num, 3, generator=generator))
    movable = (JOINT_UPPER_RAD > 0.2).to(torch.float32)
    angles = template.fingers.angles() + settings.angle_noise_rad * movable * torch.randn(
        num, 15, 3, generator=generator
    )
    shape = settings.shape_deviation * torch.randn(num, 10, generator=generator)
    return HandPoses(rotation, translation, _within_limits(angles), shape)


def points_near_hand(surface_points: Tensor, state: HandState, num_points: int) -> Tensor:
    """[B, num_points, 3] of the surface points [B, P, 3] that are nearest to the fingers' middle joints."""
    middle = state.joints[:, [3, 6, 10, 14, 18]].mean(1, keepdim=True)
    distances = (surface_points - middle).square().sum(-1)
    nearest = distances.topk(min(num_points, surface_points.shape[1]), dim=1, largest=False).indices
    return surface_points.gather(1, nearest[..., None].expand(-1, -1, 3))


def optimise_grasps(
    hand: GraspingHand,
    self_contact: HandSelfContact,
    template: GraspTemplate,
    family: ObjectFamily,
    parameters: Mapping[str, Tensor],
    surface_points: Tensor,
    start: HandPoses,
    settings: OptimisationSettings,
) -> HandPoses:
    """Move every start pose to a grasp.

    Args:
        hand, self_contact: of one hand model.
        template: gives part and pads.
        family, parameters: B objects, one a hand.
        surface_points: [B, P, 3] over the whole of each object.
        start: B start poses.
        settings: of the optimiser.

    Returns:
        B poses within the joint limits.
    """
    near = points_near_hand(surface_points, hand(start), settings.num_object_points).detach()
    may_enter = torch.tensor([PART_NAMES.index(part) for part in template.inside], device=hand.part_labels.device)
    kept_outside = torch.where(~torch.isin(hand.part_labels, may_enter))[0]
    filling = CavityFilling.of(family, parameters) if len(kept_outside) > 0 else None
    scene = GraspScene(family, parameters, template.pad_parts(), near, filling, kept_outside)
    objective = SynthesisObjective(hand, self_contact, scene, template.pads, start.joint_angles, settings.weights)
    turn = torch.zeros_like(start.translation, requires_grad=True)
    shift = torch.zeros_like(start.translation, requires_grad=True)
    angles = start.joint_angles.clone().requires_grad_(True)
    rates = (settings.rotation_rate, settings.translation_rate, settings.joint_rate)
    optimiser = torch.optim.Adam([{"params": [leaf]} for leaf in (turn, shift, angles)], lr=rates[0], betas=(0.9, 0.95))

    def current() -> HandPoses:
        rotation = axis_angle_to_matrix(turn) @ start.rotation
        return HandPoses(rotation, start.translation + shift, angles, start.shape)

    for step in range(settings.num_steps):
        progress = step / settings.num_steps
        for group, rate in zip(optimiser.param_groups, rates, strict=True):
            group["lr"] = rate * _rate_share(progress, settings.final_rate_share)
        state = hand(current())
        if step % settings.renew_pairing_every == 0:
            objective.nearest_skin.renew(state.vertices.detach(), hand.skin_normals(state).detach())
        terms = objective(state, angles, progress)
        optimiser.zero_grad()
        torch.stack(list(terms.values())).sum().backward()
        optimiser.step()
        with torch.no_grad():
            angles.copy_(_within_limits(angles))
    with torch.no_grad():
        return HandPoses(*(value.detach().clone() for value in vars(current()).values()))


def _rate_share(progress: float, final_share: float) -> float:
    """1 for the first half of the steps, then falling in a line to `final_share`."""
    return 1.0 if progress < 0.5 else 2 * (1 - progress) * (1 - final_share) + final_share


def _within_limits(angles: Tensor) -> Tensor:
    lower, upper = (limit.to(angles) for limit in (JOINT_LOWER_RAD, JOINT_UPPER_RAD))
    return torch.maximum(torch.minimum(angles, upper), lower)
