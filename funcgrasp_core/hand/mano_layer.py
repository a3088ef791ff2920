"""MANO's hand as a differentiable layer: pose and shape in, vertices and joints out."""

from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from funcgrasp_core.assets import REFERENCE_HAND, asset_path
from funcgrasp_core.geometry.rotations import axis_angle_to_matrix
from funcgrasp_core.hand.mano_assets import ManoAssets, load_mano_assets

JOINT_ORDER = (0, 13, 14, 15, 16, 1, 2, 3, 17, 4, 5, 6, 18, 10, 11, 12, 19, 7, 8, 9, 20)
"""The 21 joints (wrist, then thumb, index, middle, ring, pinky from base to tip) among MANO's 16 and the 5 tips."""


class HandGeometry(NamedTuple):
    """Posed hands, in metres.

    Attributes:
        vertices: [B, 778, 3].
        joints: [B, 21, 3] wrist, then thumb, index, middle, ring, pinky from base to tip.
        transforms: [B, 16, 4, 4] frames of the 16 joints in MANO's order: global rotation and position.
    """

    vertices: Tensor
    joints: Tensor
    transforms: Tensor


class HandLayer(Protocol):
    """What every implementation of the hand offers."""

    assets: ManoAssets
    faces: Tensor
    closed_faces: Tensor

    def __call__(self, pose: Tensor, shape: Tensor) -> HandGeometry:
        """Pose hands; pose [B, 48] axis-angle, shape [B, 10]."""
        ...

    def from_vector(self, vectors: Tensor) -> HandGeometry:
        """Pose hands; vectors [B, 61] of pose (flat mean), shape and translation of the wrist."""
        ...


class ManoLayer(nn.Module):
    """Linear blend skinning with shape and pose correctives, as Romero et al. 2017 define MANO.

    v = sum_j w_j T_j(theta, J(beta)) (v_template + shapedirs beta + posedirs (R(theta) - I)).

    Results have the dtype and device of the inputs, whatever the module's own; half precision is raised to float32,
    since its steps are a tenth of a millimetre and more, and autocast is ignored for the same reason.

    Args:
        assets: the hand model; the reference hand when left out.
        center_idx: the joint (of the 21) that becomes the origin; None keeps the model's own origin.
        flat_hand_mean: True: zero pose is the flat hand; False: `hands_mean` is added to the finger pose.
    """

    v_template: Tensor
    shapedirs: Tensor
    posedirs: Tensor
    joint_template: Tensor
    joint_shapedirs: Tensor
    weights: Tensor
    finger_mean: Tensor
    faces: Tensor
    closed_faces: Tensor

    def __init__(self, assets: ManoAssets | None = None, center_idx: int | None = 0, flat_hand_mean: bool = True):
        super().__init__()
        self.assets = load_mano_assets(asset_path(REFERENCE_HAND)) if assets is None else assets
        self.center_idx = center_idx
        self.flat_hand_mean = flat_hand_mean
        model = self.assets
        shapedirs = model.shapedirs.reshape(-1, model.shapedirs.shape[-1])
        posedirs = model.posedirs.reshape(-1, model.posedirs.shape[-1])
        self._register("v_template", model.v_template)
        self._register("shapedirs", shapedirs.T)
        self._register("posedirs", posedirs.T)
        self._register("joint_template", model.J_regressor @ model.v_template)
        self._register("joint_shapedirs", np.einsum("jv,vck->kjc", model.J_regressor, model.shapedirs).reshape(10, -1))
        self._register("weights", model.weights)
        self._register("finger_mean", np.zeros(45) if flat_hand_mean else model.hands_mean)
        self.register_buffer("faces", torch.as_tensor(model.f, dtype=torch.long), persistent=False)
        self.register_buffer("closed_faces", close_wrist(self.faces), persistent=False)
        self._levels = _joints_by_level(model.parents)

    def _register(self, name: str, array: np.ndarray) -> None:
        buffer = torch.as_tensor(np.ascontiguousarray(array), dtype=torch.float32)
        self.register_buffer(name, buffer, persistent=False)

    def forward(self, pose: Tensor, shape: Tensor) -> HandGeometry:
        """Pose hands.

        Args:
            pose: [B, 48] axis-angle, global rotation (about the wrist) first, then joints 1 to 15 in MANO's order.
            shape: [B, 10].
        """
        with torch.autocast(device_type=pose.device.type, enabled=False):
            return self._pose_hands(pose, shape, self.finger_mean, self.center_idx)

    def from_vector(self, vectors: Tensor) -> HandGeometry:
        """Pose hands from MANO vectors [B, 61]: flat-mean pose, shape, and the wrist's position.

        The vector's meaning is fixed: `center_idx` and `flat_hand_mean` do not apply here.
        """
        pose, shape, translation = vectors.split([48, 10, 3], dim=-1)
        with torch.autocast(device_type=vectors.device.type, enabled=False):
            centred = self._pose_hands(pose, shape, torch.zeros_like(self.finger_mean), center_idx=0)
            return translate_geometry(centred, translation.to(centred.vertices.dtype))

    def _pose_hands(self, pose: Tensor, shape: Tensor, finger_mean: Tensor, center_idx: int | None) -> HandGeometry:
        dtype = torch.promote_types(pose.dtype, torch.float32)
        pose, shape = pose.to(dtype), shape.to(pose.device, dtype)
        batch_size = pose.shape[0]
        axis_angle = torch.cat([pose[:, :3], pose[:, 3:] + finger_mean.to(pose)], dim=1)
        rotations = axis_angle_to_matrix(axis_angle.unflatten(1, (16, 3)))

        identity = torch.eye(3, dtype=dtype, device=pose.device)
        pose_feature = (rotations[:, 1:] - identity).flatten(1)
        displacement = shape @ self.shapedirs.to(pose) + pose_feature @ self.posedirs.to(pose)
        rest_vertices = self.v_template.to(pose) + displacement.view(batch_size, -1, 3)
        joint_displacement = (shape @ self.joint_shapedirs.to(pose)).view(batch_size, -1, 3)
        rest_joints = self.joint_template.to(pose) + joint_displacement

        joint_rotations, joint_positions = self._joint_frames(rotations, rest_joints)
        vertices = self._skin(rest_vertices, rest_joints, joint_rotations, joint_positions)
        tips = vertices[:, list(self.assets.tip_vertices)]
        joints = torch.cat([joint_positions, tips], dim=1)[:, list(JOINT_ORDER)]
        transforms = _rigid_transforms(joint_rotations, joint_positions)
        geometry = HandGeometry(vertices, joints, transforms)
        return geometry if center_idx is None else translate_geometry(geometry, -joints[:, center_idx])

    def _joint_frames(self, rotations: Tensor, rest_joints: Tensor) -> tuple[Tensor, Tensor]:
        """Global rotation [B, 16, 3, 3] and position [B, 16, 3] of every joint, one level of the tree at a time."""
        ordered_rotations, ordered_positions = [rotations[:, :1]], [rest_joints[:, :1]]
        for joints, parents, parent_slots in self._levels:
            parent_rotations = ordered_rotations[-1][:, parent_slots]
            offsets = (rest_joints[:, joints] - rest_joints[:, parents]).unsqueeze(-1)
            ordered_positions.append(ordered_positions[-1][:, parent_slots] + (parent_rotations @ offsets).squeeze(-1))
            ordered_rotations.append(parent_rotations @ rotations[:, joints])
        order = [0, *(joint for joints, _, _ in self._levels for joint in joints)]
        position_of_joint = sorted(range(len(order)), key=order.__getitem__)
        return (
            torch.cat(ordered_rotations, dim=1)[:, position_of_joint],
            torch.cat(ordered_positions, dim=1)[:, position_of_joint],
        )

    def _skin(self, rest_vertices: Tensor, rest_joints: Tensor, rotations: Tensor, positions: Tensor) -> Tensor:
        offsets = positions - (rotations @ rest_joints.unsqueeze(-1)).squeeze(-1)
        joint_transforms = torch.cat([rotations, offsets.unsqueeze(-1)], dim=-1).flatten(2)
        blended = (self.weights.to(rest_vertices) @ joint_transforms).unflatten(-1, (3, 4))
        return (blended[..., :3] @ rest_vertices.unsqueeze(-1)).squeeze(-1) + blended[..., 3]


def close_wrist(faces: Tensor) -> Tensor:
    """Append the triangles that close the one open boundary of `faces` [F, 3], wound like their neighbours."""
    edges = torch.cat([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]).tolist()
    present = {tuple(edge) for edge in edges}
    next_vertex = {end: start for start, end in present if (end, start) not in present}
    loop = [min(next_vertex)]
    while next_vertex[loop[-1]] != loop[0]:
        loop.append(next_vertex[loop[-1]])
    lid = [[loop[0], loop[i], loop[i + 1]] for i in range(1, len(loop) - 1)]
    return torch.cat([faces, torch.tensor(lid, dtype=faces.dtype, device=faces.device)])


def _joints_by_level(parents: tuple[int, ...]) -> list[tuple[list[int], list[int], list[int]]]:
    """For each level below the wrist: its joints, their parents, and the parents' places in the level above."""
    levels, above = [], [0]
    while joints := [joint for joint, parent in enumerate(parents) if parent in above]:
        joint_parents = [parents[joint] for joint in joints]
        levels.append((joints, joint_parents, [above.index(parent) for parent in joint_parents]))
        above = joints
    return levels


def _rigid_transforms(rotations: Tensor, positions: Tensor) -> Tensor:
    top = torch.cat([rotations, positions.unsqueeze(-1)], dim=-1)
    bottom = torch.tensor([0.0, 0.0, 0.0, 1.0], dtype=top.dtype, device=top.device)
    return torch.cat([top, bottom.expand(*top.shape[:-2], 1, 4)], dim=-2)


def translate_geometry(geometry: HandGeometry, translation: Tensor) -> HandGeometry:
    """The hands moved by `translation` [B, 3]."""
    moved = translation[:, None]
    position = geometry.transforms[..., :3, 3:] + moved.unsqueeze(-1)
    transforms = torch.cat(
        [torch.cat([geometry.transforms[..., :3, :3], position], dim=-1), geometry.transforms[..., 3:, :]], dim=-2
    )
    return HandGeometry(geometry.vertices + moved, geometry.joints + moved, transforms)
