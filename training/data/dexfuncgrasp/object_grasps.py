"""The grasps of one object as they are on disk, checked, and as what a retargeter needs."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from funcgrasp_core.errors import DatasetError
from training.data.broken_files import BrokenFiles
from training.data.dexfuncgrasp.graspit_world import GraspItWorld, format_graspit_world
from training.data.dexfuncgrasp.hand_keypoints import HandKeypoints
from training.data.dexfuncgrasp.index import (
    ShadowGrasp,
    UprightMesh,
    find_object_mesh,
    hand_in_object_frame,
    read_upright_mesh,
    read_world,
)
from training.data.dexfuncgrasp.layout import OBJECTS_FOLDER
from training.data.dexfuncgrasp.retargeting_store import RetargetingJob, grasp_digest
from training.data.dexfuncgrasp.shadow_hand import palm_rotation_of_graspit, shadow_forward_kinematics
from training.data.stored_objects import object_cloud_seed, sample_object_cloud

NUM_TARGET_POINTS = 2048
"""Of the object's cloud, for contact and penetration while retargeting."""


class ObjectGrasps(NamedTuple):
    """Readable grasps of one object.

    Attributes:
        grasps: where they are.
        worlds: their content.
        digests: of the content of each world with the mesh.
        mesh_file: of the object.
    """

    grasps: tuple[ShadowGrasp, ...]
    worlds: tuple[GraspItWorld, ...]
    digests: tuple[str, ...]
    mesh_file: Path


def read_object_grasps(root: Path, grasps: Sequence[ShadowGrasp], broken: BrokenFiles) -> ObjectGrasps | None:
    """The readable ones among the grasps of one object; None if it has no mesh or no readable grasp.

    Raises:
        DatasetError: a file is broken or missing, and is to be refused.
    """
    category, instance = grasps[0].category, grasps[0].instance
    mesh_file = None
    with broken.reading(root / OBJECTS_FOLDER / category):
        mesh_file = find_object_mesh(root, category, instance)
    if mesh_file is None:
        return None
    mesh_digest = hashlib.sha256(mesh_file.read_bytes()).hexdigest()
    kept, worlds, digests = [], [], []
    for grasp in grasps:
        with broken.reading(grasp.file):
            world = read_world(grasp)
            digests.append(grasp_digest(format_graspit_world(world), mesh_digest))
            worlds.append(world)
            kept.append(grasp)
    return ObjectGrasps(tuple(kept), tuple(worlds), tuple(digests), mesh_file) if kept else None


def retargeting_job(found: ObjectGrasps) -> RetargetingJob:
    """The robot's hands in the object's frame, with the object's surface.

    Raises:
        DatasetError: the mesh is broken.
    """
    first = found.grasps[0]
    mesh = read_upright_mesh(found.mesh_file, first.category)
    points = torch.from_numpy(upright_cloud(mesh, first.object_id)[:NUM_TARGET_POINTS])
    return RetargetingJob(first.object_id, found.digests, shadow_keypoints(found, mesh.centre), points)


def shadow_keypoints(found: ObjectGrasps, mesh_centre: np.ndarray) -> HandKeypoints:
    """Keypoints of the Shadow Hands in our frame of the object; `mesh_centre` [3] in the mesh file's frame."""
    category = found.grasps[0].category
    poses = [hand_in_object_frame(world, category, mesh_centre) for world in found.worlds]
    rotation = torch.from_numpy(np.stack([pose.rotation for pose in poses]))
    translation = torch.from_numpy(np.stack([pose.translation for pose in poses]))
    dof_values = torch.from_numpy(np.stack([world.dof_values for world in found.worlds]))
    keypoints = shadow_forward_kinematics(dof_values, palm_rotation_of_graspit(rotation), translation)
    return HandKeypoints(*(value.float() for value in keypoints))


def upright_cloud(mesh: UprightMesh, object_id: str) -> np.ndarray:
    """Random surface points [STORED_CLOUD_SIZE, 3] float32 of an object; the same for the same id and mesh.

    Raises:
        DatasetError: the mesh has no area.
    """
    try:
        return sample_object_cloud(mesh.vertices, mesh.faces, object_cloud_seed(object_id))
    except (ValueError, IndexError) as error:
        raise DatasetError(f"the mesh of {object_id} has no surface to sample ({error}): copy it again") from error
