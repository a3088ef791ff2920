"""The pads of the hand that grasps press with, found on any hand of MANO's layout from its skin weights and rest shape.

A pad is the palmar skin of one finger bone, or the palm: "index_tip", "index_middle", "index_base", ..., "palm".
"""

import numpy as np
import torch
from torch import Tensor

from funcgrasp_core.hand.joint_limits import joint_bases
from funcgrasp_core.hand.mano_assets import FINGER_CHAINS, ManoAssets
from funcgrasp_core.hand.palm_frame import palm_axes

BONE_NAMES = ("base", "middle", "tip")
MIN_PALMAR_COSINE = 0.45
"""A vertex belongs to a pad if its rest normal is within 63 degrees of the direction the bone flexes to."""

MIN_PALM_COSINE = 0.6


def rest_vertex_normals(assets: ManoAssets) -> Tensor:
    """[778, 3] outward unit normals of the rest shape."""
    vertices = np.asarray(assets.v_template, dtype=np.float64)
    faces = np.asarray(assets.f, dtype=np.int64)
    corners = vertices[faces]
    face_normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = np.zeros_like(vertices)
    for corner in range(3):
        np.add.at(normals, faces[:, corner], face_normals)
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    return torch.tensor(normals, dtype=torch.float32)


def palm_matrix(assets: ManoAssets) -> Tensor:
    """[3, 3] of finger direction, palm's outward normal and thumb side at rest: a rotation on a right hand."""
    axes = palm_axes(assets.rest_joints, assets.side)
    return torch.tensor(np.stack([axes.fingers, axes.outward, axes.thumb_side], axis=1), dtype=torch.float32)


def contact_groups(assets: ManoAssets) -> dict[str, Tensor]:
    """Vertex indices [n] long of every pad by name: each finger's tip, middle and base, and the palm."""
    normals = rest_vertex_normals(assets)
    owner = torch.tensor(np.asarray(assets.weights)).argmax(dim=1)
    bases = joint_bases(assets).to(torch.float32)
    groups = {}
    for finger, joints in FINGER_CHAINS.items():
        for bone, joint in zip(BONE_NAMES, joints, strict=True):
            twist, flexion = bases[joint - 1, :, 0], bases[joint - 1, :, 2]
            palmar = torch.linalg.cross(flexion, twist)
            groups[f"{finger}_{bone}"] = torch.where((owner == joint) & (normals @ palmar > MIN_PALMAR_COSINE))[0]
    groups["palm"] = _palm_vertices(assets, owner, normals)
    return groups


def _palm_vertices(assets: ManoAssets, owner: Tensor, normals: Tensor) -> Tensor:
    """The wrist's palmar vertices from 5 % of the way to the middle knuckle onwards."""
    outward, fingers = palm_matrix(assets)[:, 1], palm_matrix(assets)[:, 0]
    joints = torch.tensor(assets.rest_joints, dtype=torch.float32)
    vertices = torch.tensor(np.asarray(assets.v_template), dtype=torch.float32)
    knuckle = joints[FINGER_CHAINS["middle"][0]]
    along = (vertices - joints[0]) @ fingers / torch.linalg.norm(knuckle - joints[0])
    return torch.where((owner == 0) & (normals @ outward > MIN_PALM_COSINE) & (along > 0.05))[0]
