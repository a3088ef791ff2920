"""The hand as the grasp optimiser needs it: skin, normals, pads and bones from wrist pose and joint-basis angles."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from funcgrasp_core.geometry.rotations import matrix_to_axis_angle
from funcgrasp_core.hand.hand_parts import vertex_part_labels
from funcgrasp_core.hand.joint_limits import axis_angle_from_joint_angles, joint_bases
from funcgrasp_core.hand.mano_assets import FINGER_CHAINS, ManoAssets
from funcgrasp_core.hand.mano_layer import ManoLayer
from training.data.hand_contact_groups import contact_groups, palm_matrix, rest_vertex_normals

CHAIN_STARTS = {"thumb": 1, "index": 5, "middle": 9, "ring": 13, "pinky": 17}
"""First of each finger's four joints among the 21."""


@dataclass(frozen=True)
class HandState:
    """A batch of posed hands in the object's frame; B hands, V vertices.

    Attributes:
        vertices: [B, V, 3] metres.
        joints: [B, 21, 3] metres.
        joint_rotations: [B, 16, 3, 3] from rest to posed, MANO's joint order.
    """

    vertices: Tensor
    joints: Tensor
    joint_rotations: Tensor


@dataclass(frozen=True)
class HandPoses:
    """B hands: wrist rotation [B, 3, 3] and translation [B, 3], joint-basis angles [B, 15, 3], shape [B, 10]."""

    rotation: Tensor
    translation: Tensor
    joint_angles: Tensor
    shape: Tensor

    def select(self, rows: Tensor) -> "HandPoses":
        """The poses at these rows."""
        return HandPoses(self.rotation[rows], self.translation[rows], self.joint_angles[rows], self.shape[rows])


class GraspingHand(nn.Module):
    """A MANO layer with pads, bone radii and rest directions.

    Args:
        layer: the hand layer, centred on the wrist, flat mean pose.
    """

    bases: Tensor
    part_labels: Tensor
    palm: Tensor
    middle_knuckle: Tensor
    bone_starts: Tensor
    bone_radii: Tensor
    normal_weights: Tensor

    def __init__(self, layer: ManoLayer) -> None:
        super().__init__()
        assets = layer.assets
        self.layer = layer
        self.groups: dict[str, Tensor] = contact_groups(assets)
        self.register_buffer("bases", joint_bases(assets).to(torch.float32))
        self.register_buffer("part_labels", vertex_part_labels(assets).long())
        self.register_buffer("palm", palm_matrix(assets))
        weights = torch.tensor(np.asarray(assets.weights), dtype=torch.float32)
        self.register_buffer("normal_weights", (weights[:, :, None] * rest_vertex_normals(assets)[:, None]).flatten(1))
        with torch.no_grad():
            rest = layer(torch.zeros(1, 48), torch.zeros(1, 10))
        self.register_buffer("middle_knuckle", rest.joints[0, CHAIN_STARTS["middle"]].clone())
        self.register_buffer("bone_starts", _bone_starts())
        self.register_buffer("bone_radii", _bone_radii(assets, rest.vertices[0], rest.joints[0]))

    def forward(self, poses: HandPoses) -> HandState:
        """The posed hands."""
        fingers = axis_angle_from_joint_angles(poses.joint_angles, self.bases)
        geometry = self.layer(torch.cat([torch.zeros_like(fingers[:, :3]), fingers], dim=1), poses.shape)
        turn, shift = poses.rotation.transpose(1, 2), poses.translation[:, None]
        return HandState(
            geometry.vertices @ turn + shift,
            geometry.joints @ turn + shift,
            poses.rotation[:, None] @ geometry.transforms[:, :, :3, :3],
        )

    def skin_normals(self, state: HandState, vertices: Tensor | None = None) -> Tensor:
        """Outward unit normals [B, n, 3] of some vertices [n] or of all, blended like the skin."""
        weights = self.normal_weights if vertices is None else self.normal_weights.index_select(0, vertices)
        columns = state.joint_rotations.transpose(2, 3).flatten(1, 2)
        return torch.nn.functional.normalize(weights @ columns, dim=-1)

    def mano_vectors(self, poses: HandPoses) -> Tensor:
        """[B, 61] MANO vectors."""
        fingers = axis_angle_from_joint_angles(poses.joint_angles, self.bases)
        return torch.cat([matrix_to_axis_angle(poses.rotation), fingers, poses.shape, poses.translation], dim=1)


def _bone_starts() -> Tensor:
    """[15] index among the 21 joints of each finger bone's start, in MANO's joint order 1 to 15; its end is one on."""
    starts = [0] * 15
    for finger, joints in FINGER_CHAINS.items():
        for step, joint in enumerate(joints):
            starts[joint - 1] = CHAIN_STARTS[finger] + step
    return torch.tensor(starts)


def _bone_radii(assets: ManoAssets, vertices: Tensor, joints: Tensor) -> Tensor:
    """[15] metres: median distance of each finger bone's skin to its axis."""
    owner = torch.tensor(np.asarray(assets.weights)).argmax(dim=1)
    radii = []
    for bone, start in enumerate(_bone_starts().tolist()):
        axis = torch.nn.functional.normalize(joints[start + 1] - joints[start], dim=0)
        offsets = vertices[owner == bone + 1] - joints[start]
        radii.append(torch.linalg.norm(offsets - (offsets @ axis)[:, None] * axis, dim=1).median())
    return torch.stack(radii)
