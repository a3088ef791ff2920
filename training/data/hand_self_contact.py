"""How far the fingers run into each other and into the palm, by spheres along the bones and under the palm's skin."""

import torch
from torch import Tensor, nn

from training.data.grasping_hand import GraspingHand, HandPoses, HandState

BONE_FRACTIONS = (0.35, 0.7, 1.0)
"""Where the spheres of a finger bone sit, from its start to its end."""

NUM_PALM_SPHERES = 16
PALM_SPHERE_RADIUS_M = 0.009
SOFTNESS = 0.93
"""Skin gives way: spheres may overlap by 7 % of their radii."""


class HandSelfContact(nn.Module):
    """Overlap of pairs of spheres beyond what the rest pose already has."""

    bone_starts: Tensor
    palm_normal: Tensor
    palm_vertices: Tensor
    limits: Tensor

    def __init__(self, hand: GraspingHand) -> None:
        super().__init__()
        self.register_buffer("bone_starts", hand.bone_starts)
        self.register_buffer("palm_normal", hand.palm[:, 1].clone())
        self.register_buffer("palm_vertices", _spread_subset(hand, NUM_PALM_SPHERES))
        radii = hand.bone_radii.repeat_interleave(len(BONE_FRACTIONS))
        radii = torch.cat([radii, radii.new_full((NUM_PALM_SPHERES,), PALM_SPHERE_RADIUS_M)])
        with torch.no_grad():
            rest = hand(HandPoses(torch.eye(3)[None], torch.zeros(1, 3), torch.zeros(1, 15, 3), torch.zeros(1, 10)))
            rest_gaps = _all_gaps(self._centres(rest))[0]
        touching = SOFTNESS * (radii[:, None] + radii[None])
        self.register_buffer("limits", torch.minimum(touching, rest_gaps) * _watched_pairs())

    def forward(self, state: HandState) -> Tensor:
        """[B, S, S] metres >= 0: how much closer each pair of spheres is than allowed; each pair appears once."""
        return (self.limits - _all_gaps(self._centres(state))).clamp(min=0)

    def _centres(self, state: HandState) -> Tensor:
        starts = state.joints.index_select(1, self.bone_starts)
        ends = state.joints.index_select(1, self.bone_starts + 1)
        fractions = torch.tensor(BONE_FRACTIONS, dtype=starts.dtype, device=starts.device)[:, None]
        along = starts[:, :, None] + fractions * (ends - starts)[:, :, None]
        palm = state.vertices.index_select(1, self.palm_vertices)
        inwards = -PALM_SPHERE_RADIUS_M * (state.joint_rotations[:, 0] @ self.palm_normal)[:, None]
        return torch.cat([along.flatten(1, 2), palm + inwards], dim=1)


def _all_gaps(centres: Tensor) -> Tensor:
    """Distances [B, S, S] between all centres [B, S, 3]."""
    return (centres[:, :, None] - centres[:, None]).square().sum(-1).add(1e-10).sqrt()


def _spread_subset(hand: GraspingHand, count: int) -> Tensor:
    """`count` palm vertices far from each other."""
    palm = hand.groups["palm"]
    points = hand.layer(torch.zeros(1, 48), torch.zeros(1, 10)).vertices[0, palm].detach()
    chosen = [0]
    nearest = torch.linalg.norm(points - points[0], dim=1)
    while len(chosen) < count:
        chosen.append(int(nearest.argmax()))
        nearest = torch.minimum(nearest, torch.linalg.norm(points - points[chosen[-1]], dim=1))
    return palm[torch.tensor(chosen)]


def _watched_pairs() -> Tensor:
    """[S, S] ones, above the diagonal, for pairs of different fingers and of outer finger bones with the palm."""
    bone = torch.arange(15).repeat_interleave(len(BONE_FRACTIONS))
    palm = torch.full((NUM_PALM_SPHERES,), 5)
    finger = torch.cat([bone // 3, palm])
    meets_palm = torch.cat([bone % 3 > 0, palm == 5])
    different = finger[:, None] != finger[None]
    with_palm = (finger[:, None] == 5) | (finger[None] == 5)
    watched = different & (~with_palm | (meets_palm[:, None] & meets_palm[None]))
    return watched.triu(1).to(torch.float32)
