"""Writes objects and grasps in DexFuncGrasp's layout; the same content always gives the same bytes.

The derived points that the authors store beside every world are left out: nothing reads them.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from training.data.dexfuncgrasp.graspit_world import GraspItWorld, RigidPose, format_graspit_world
from training.data.dexfuncgrasp.layout import (
    CATEGORIES,
    GRASPS_FOLDER,
    MESH_SUFFIX,
    OBJECT_FRAME_FOLDER,
    OBJECT_LIST_FILE,
    OBJECTS_FOLDER,
    SIFTED_FOLDER,
    WORLD_SUFFIX,
    grasp_folder_name,
    mesh_places,
    upright_from_mesh,
)
from training.data.dexfuncgrasp.shadow_hand import GRASPIT_AXES_IN_PALM
from training.data.oakink_writer import write_whole

_STILL = RigidPose(np.eye(3), np.zeros(3))


def write_object_list(root: Path, instances: Mapping[str, Sequence[str]]) -> None:
    """Writes the numbered list of categories with the names of their objects."""
    entries = {
        str(CATEGORIES.index(category)): {"category": category, "instance": [name + MESH_SUFFIX for name in names]}
        for category, names in sorted(instances.items(), key=lambda item: CATEGORIES.index(item[0]))
    }
    write_whole(root / OBJECTS_FOLDER / OBJECT_LIST_FILE, json.dumps(entries).encode())


def write_object_mesh(
    root: Path, category: str, instance: str, vertices: np.ndarray, faces: np.ndarray, offset: np.ndarray
) -> Path:
    """Writes an object's mesh as OBJ in the axes of its category's files.

    Args:
        root: folder of the data set.
        category: of the object.
        instance: its name.
        vertices: [V, 3] metres in our frame, z up.
        faces: [F, 3].
        offset: [3] of our frame's origin in the file's frame, metres: the authors' meshes are not centred.
    """
    in_file = vertices @ upright_from_mesh(category) + offset
    lines = [f"v {x:.7f} {y:.7f} {z:.7f}" for x, y, z in in_file.tolist()]
    lines += [f"f {a} {b} {c}" for a, b, c in (faces + 1).tolist()]
    path = mesh_places(root, category, instance)[0]
    write_whole(path, ("\n".join(lines) + "\n").encode())
    return path


def write_shadow_grasp(
    root: Path,
    category: str,
    instance: str,
    number: int,
    dof_values: np.ndarray,
    palm: RigidPose,
    offset: np.ndarray,
    annotated_instance: str | None = None,
    object_pose: RigidPose | None = None,
) -> Path:
    """Writes one grasp in the annotation's world and in the object's frame; returns the latter file.

    Args:
        root: folder of the data set.
        category: of the object.
        instance: the object in the hand.
        number: of the grasp.
        dof_values: [22] radians.
        palm: Shadow's palm frame in our frame of the object.
        offset: as of `write_object_mesh`.
        annotated_instance: the object that the grasp was recorded on, where it is another.
        object_pose: of the mesh in the annotation's world; where it stands by default.
    """
    mesh_from_upright = upright_from_mesh(category).T
    graspit_from_palm = np.array(GRASPIT_AXES_IN_PALM)
    hand = RigidPose(
        mesh_from_upright @ palm.rotation @ graspit_from_palm.T, mesh_from_upright @ palm.translation + offset
    )
    stand = object_pose or _STILL
    placed = RigidPose(stand.rotation @ hand.rotation, stand.rotation @ hand.translation + stand.translation)
    annotated = annotated_instance or instance
    folder = root / GRASPS_FOLDER / grasp_folder_name(category, annotated)
    if annotated != instance:
        folder = folder / SIFTED_FOLDER / instance
    name = f"{CATEGORIES.index(category)}_{number}{WORLD_SUFFIX}"
    in_world = GraspItWorld(category, instance, stand, placed, dof_values)
    in_object_frame = GraspItWorld(category, instance, _STILL, hand, dof_values)
    write_whole(folder / name, format_graspit_world(in_world))
    write_whole(folder / OBJECT_FRAME_FOLDER / name, format_graspit_world(in_object_frame))
    return folder / OBJECT_FRAME_FOLDER / name
