"""Finds the MANO hands that grasp as given Shadow Hands do: batched optimisation through the hand layer.

Fingertips and pads go where the robot's are, distal links point alike, the palm turns alike and stays as near as the
sizes of the two hands allow, and a finger that touches the object still does. The same input gives the same result.
"""

import math
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from funcgrasp_core.contracts import PART_NAMES
from funcgrasp_core.errors import ConfigurationError
from funcgrasp_core.geometry.hand_object_terms import penetration_depths
from funcgrasp_core.geometry.rotations import axis_angle_to_matrix
from funcgrasp_core.geometry.surface_distance import nearest_distances
from funcgrasp_core.hand.joint_limits import JOINT_LOWER_RAD, JOINT_UPPER_RAD
from training.data.dexfuncgrasp.hand_keypoints import (
    DISTAL_JOINTS,
    TIP_JOINTS,
    HandKeypoints,
    HumanKeypoints,
    rotation_angles,
)
from training.data.dexfuncgrasp.shadow_hand import FINGER_RADIUS_M, THUMB_RADIUS_M
from training.data.grasping_hand import GraspingHand, HandPoses, HandState

LENGTH_SCALE_M = 0.01
"""Distances of the objective are counted in this unit."""

START_FLEXION_RAD = 0.5

_FINGER_NAMES = PART_NAMES[1:]


@dataclass(frozen=True)
class RetargetingSettings:
    """How the optimiser runs; part of the cache's key."""

    num_steps: int = 200
    free_share: float = 0.5  # of the steps, before the object counts: it must not stop a finger halfway
    rotation_rate: float = 0.02  # Adam steps in radians
    translation_rate: float = 0.002  # metres
    joint_rate: float = 0.03  # radians
    final_rate_share: float = 0.05  # of each rate at the last step; it falls along a cosine
    tip_weight: float = 1.0  # per squared length unit, mean of the five fingers
    pad_weight: float = 1.0
    distal_weight: float = 0.5  # of 1 - cosine between distal links
    pad_normal_weight: float = 0.2
    joint_weight: float = 0.02  # of the other finger joints, whose places differ with the hands' sizes
    palm_turn_weight: float = 1.0  # per squared radian
    palm_place_weight: float = 0.05
    contact_weight: float = 4.0  # of touching fingers' distance beyond the tolerance
    penetration_weight: float = 2.0  # of the summed squared depths
    posture_weight: float = 0.02  # of squared twist and abduction
    contact_reach_m: float = 0.005  # a robot finger nearer than this touches
    contact_tolerance_m: float = 0.001  # a human finger nearer than this touches
    num_object_points: int = 384  # nearest to the hand
    renew_points_every: int = 10  # steps between choices of these


@dataclass(frozen=True)
class RetargetedHands:
    """B hands and how well they match.

    Attributes:
        vectors: [B, 61] MANO vectors in the frame of the targets.
        tip_errors: [B, 5] metres between human and robot fingertips.
        palm_errors: [B] metres between the palms' centres.
        palm_angles: [B] radians between the palms.
        touching: [B, 5] bool, the robot's fingers that touch the object.
        contact_gaps: [B, 5] metres from the human fingers' distal skin to the object.
        penetrations: [B] metres, deepest object point inside the human hand.
    """

    vectors: Tensor
    tip_errors: Tensor
    palm_errors: Tensor
    palm_angles: Tensor
    touching: Tensor
    contact_gaps: Tensor
    penetrations: Tensor

    def __len__(self) -> int:
        return len(self.vectors)

    @staticmethod
    def concatenate(parts: "list[RetargetedHands]") -> "RetargetedHands":
        """All hands of several batches in a row."""
        names = [field.name for field in fields(RetargetedHands)]
        return RetargetedHands(**{name: torch.cat([getattr(part, name) for part in parts]) for name in names})


class HandRetargeter:
    """Retargets to one hand model.

    Args:
        hand: to retarget to.
        settings: of the optimiser.
        shape: [10] of every hand; zero, the mean hand, by default.

    Raises:
        ConfigurationError: the hand is a left one.
    """

    def __init__(self, hand: GraspingHand, settings: RetargetingSettings | None = None, shape: Tensor | None = None):
        if hand.layer.assets.side != "right":
            raise ConfigurationError("DexFuncGrasp's Shadow Hand is a right one: give a right MANO hand")
        self.hand = hand
        self.settings = settings or RetargetingSettings()
        self.shape = torch.zeros(10) if shape is None else shape
        self._keypoints = HumanKeypoints(hand)
        self._distal_skin = [hand.groups[f"{finger}_tip"] for finger in _FINGER_NAMES]

    def __call__(self, targets: HandKeypoints, object_points: Tensor) -> RetargetedHands:
        """Retargets B Shadow Hands.

        Args:
            targets: their keypoints in the object's frame.
            object_points: [B, N, 3] surface of each hand's object, or [1, N, 3] for one object.
        """
        settings = self.settings
        object_points = object_points.to(targets.joints).expand(len(targets.joints), -1, -1)
        touching = shadow_finger_gaps(targets, object_points) < settings.contact_reach_m
        start = self.start_poses(targets)
        turn, shift = (torch.zeros_like(start.translation, requires_grad=True) for _ in range(2))
        angles = start.joint_angles.clone().requires_grad_(True)
        rates = (settings.rotation_rate, settings.translation_rate, settings.joint_rate)
        optimiser = torch.optim.Adam([{"params": [leaf]} for leaf in (turn, shift, angles)], betas=(0.9, 0.95))

        def current() -> HandPoses:
            rotation = axis_angle_to_matrix(turn) @ start.rotation
            return HandPoses(rotation, start.translation + shift, angles, start.shape)

        near = object_points
        for step in range(settings.num_steps):
            share = _cosine_share(step / settings.num_steps, settings.final_rate_share)
            for group, rate in zip(optimiser.param_groups, rates, strict=True):
                group["lr"] = rate * share
            state = self.hand(current())
            if step % settings.renew_points_every == 0:
                near = _nearest_points(object_points, state.joints.detach(), settings.num_object_points)
            loss = self._posture_terms(state, angles, targets)
            if step >= settings.free_share * settings.num_steps:
                loss = loss + self._object_terms(state, near, touching)
            optimiser.zero_grad()
            loss.sum().backward()
            optimiser.step()
            with torch.no_grad():
                angles.copy_(within_joint_limits(angles))
        with torch.no_grad():
            final = current()
            return self._judged(final, targets, object_points, touching)

    def start_poses(self, targets: HandKeypoints) -> HandPoses:
        """Palms laid onto the robots' palms, fingers half closed."""
        num = len(targets.joints)
        rotation = targets.palm_rotation @ self._keypoints.palm_at_rest.T.to(targets.palm_rotation)
        angles = torch.zeros(num, 15, 3).to(rotation)
        angles[:, :, 2] = START_FLEXION_RAD
        shape = self.shape.to(rotation).expand(num, -1)
        at_origin = HandPoses(rotation, torch.zeros(num, 3).to(rotation), within_joint_limits(angles), shape)
        with torch.no_grad():
            offset = targets.palm_centre - self.keypoints_of(at_origin).palm_centre
        return HandPoses(rotation, offset, at_origin.joint_angles, shape)

    def keypoints_of(self, poses: HandPoses) -> HandKeypoints:
        """The keypoints of human hands."""
        return self._keypoints(self.hand(poses))

    def _posture_terms(self, state: HandState, angles: Tensor, targets: HandKeypoints) -> Tensor:
        """[B] how differently the two hands are posed."""
        weights = self.settings
        found = self._keypoints(state)
        tips = _squared(found.tips - targets.tips).mean(1)
        pads = _squared(found.pads - targets.pads).mean(1)
        distal = (1 - (found.distal_directions * targets.distal_directions).sum(-1)).mean(1)
        normals = (1 - (found.pad_normals * targets.pad_normals).sum(-1)).mean(1)
        inner = [joint for joint in range(1, 21) if joint not in TIP_JOINTS]
        joints = _squared(found.joints[:, inner] - targets.joints[:, inner]).mean(1)
        turn = (found.palm_rotation - targets.palm_rotation).square().sum((1, 2)) / 2
        place = _squared(found.palm_centre - targets.palm_centre)
        return (
            weights.tip_weight * tips
            + weights.pad_weight * pads
            + weights.distal_weight * distal
            + weights.pad_normal_weight * normals
            + weights.joint_weight * joints
            + weights.palm_turn_weight * turn
            + weights.palm_place_weight * place
            + weights.posture_weight * angles[:, :, :2].square().sum((1, 2))
        )

    def _object_terms(self, state: HandState, points: Tensor, touching: Tensor) -> Tensor:
        """[B] missing contacts of touching fingers, and the object inside the hand."""
        weights = self.settings
        gaps = self._contact_gaps(state.vertices, points)
        contact = (((gaps - weights.contact_tolerance_m).clamp_min(0) / LENGTH_SCALE_M).square() * touching).mean(1)
        depths = penetration_depths(points, state.vertices, self.hand.skin_normals(state))
        return weights.contact_weight * contact + weights.penetration_weight * (depths / LENGTH_SCALE_M).square().sum(1)

    def _contact_gaps(self, vertices: Tensor, points: Tensor) -> Tensor:
        """[B, 5] distance of each finger's distal skin to the object."""
        sizes = [len(indices) for indices in self._distal_skin]
        distances = nearest_distances(vertices[:, torch.cat(self._distal_skin)], points)[0]
        return torch.stack([part.amin(1) for part in distances.split(sizes, dim=1)], dim=1)

    def _judged(
        self, poses: HandPoses, targets: HandKeypoints, object_points: Tensor, touching: Tensor
    ) -> RetargetedHands:
        state = self.hand(poses)
        found = self._keypoints(state)
        depths = penetration_depths(object_points, state.vertices, self.hand.skin_normals(state))
        return RetargetedHands(
            self.hand.mano_vectors(poses),
            torch.linalg.vector_norm(found.tips - targets.tips, dim=-1),
            torch.linalg.vector_norm(found.palm_centre - targets.palm_centre, dim=-1),
            rotation_angles(found.palm_rotation, targets.palm_rotation),
            touching,
            self._contact_gaps(state.vertices, object_points),
            depths.amax(1),
        )


def shadow_finger_gaps(keypoints: HandKeypoints, object_points: Tensor) -> Tensor:
    """[B, 5] distance from the surface of each distal link of a Shadow Hand, taken as a capsule, to object points."""
    radii = torch.tensor([THUMB_RADIUS_M] + [FINGER_RADIUS_M] * 4).to(object_points)
    start = keypoints.joints[:, list(DISTAL_JOINTS)]
    axis = keypoints.tips - keypoints.distal_directions * radii[:, None] - start
    offsets = object_points[:, None] - start[:, :, None]
    along = (offsets * axis[:, :, None]).sum(-1) / axis.square().sum(-1)[..., None]
    nearest = along.clamp(0, 1)[..., None] * axis[:, :, None]
    return torch.linalg.vector_norm(offsets - nearest, dim=-1).amin(-1) - radii


def within_joint_limits(angles: Tensor) -> Tensor:
    """Joint angles [B, 15, 3] moved to the nearest allowed ones."""
    return torch.maximum(torch.minimum(angles, JOINT_UPPER_RAD.to(angles)), JOINT_LOWER_RAD.to(angles))


def _squared(offsets: Tensor) -> Tensor:
    return offsets.square().sum(-1) / LENGTH_SCALE_M**2


def _cosine_share(progress: float, final_share: float) -> float:
    return final_share + (1 - final_share) * (1 + math.cos(math.pi * progress)) / 2


def _nearest_points(points: Tensor, joints: Tensor, count: int) -> Tensor:
    """[B, count, 3] of the object points [B, N, 3] that lie nearest to any joint [B, 21, 3]."""
    distances = nearest_distances(points, joints)[0]
    chosen = distances.topk(min(count, points.shape[1]), dim=1, largest=False).indices
    return points.gather(1, chosen[..., None].expand(-1, -1, 3))
