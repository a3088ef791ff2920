"""A small data set in DexFuncGrasp's layout, made from procedural objects:

    python -m training.data.dexfuncgrasp.example --output DIR

Shadow Hands are posed like the human hands of the committed grasps. It is for tests and for trying commands, not for
training: what is read from it has been human, robotic and human again.
"""

import argparse
import itertools
import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from funcgrasp_core.errors import DatasetError, FuncGraspError
from funcgrasp_core.geometry.rotations import axis_angle_to_matrix
from funcgrasp_core.hand.joint_limits import joint_angles_from_axis_angle
from funcgrasp_core.hand.mano_layer import ManoLayer
from training.data.dexfuncgrasp.graspit_world import RigidPose
from training.data.dexfuncgrasp.hand_keypoints import HumanKeypoints
from training.data.dexfuncgrasp.layout import CATEGORIES, INTENT, make_object_id, split_of_object
from training.data.dexfuncgrasp.shadow_postures import shadow_hands_like
from training.data.dexfuncgrasp.writer import write_object_list, write_object_mesh, write_shadow_grasp
from training.data.frozen_grasps import load_frozen_grasps
from training.data.grasping_hand import GraspingHand, HandPoses
from training.data.oakink_layout import SPLITS
from training.data.object_families import mesh_from_parameters

MESH_OFFSET_M = np.array([0.004, -0.006, 0.003])
"""Meshes of the data set are not centred, so neither are these."""

OBJECT_STAND = RigidPose(np.array([[0.0, -1.0, 0.0], [0.0, 0.0, -1.0], [1.0, 0.0, 0.0]]), np.zeros(3))
"""Where objects stand in the worlds of the annotation."""


def write_example_tree(
    root: Path,
    categories: Sequence[str] = ("mug", "bottle", "bowl"),
    objects_per_category: int = 3,
    grasps_per_object: int = 4,
    mesh_spacing_m: float = 0.003,
) -> int:
    """Writes the tree and returns the number of grasps; a category's first object is the annotated one.

    Args:
        root: folder of the data set.
        categories: of the procedural objects; DexFuncGrasp must have them too.
        objects_per_category: their number; three or more fill all splits.
        grasps_per_object: at most.
        mesh_spacing_m: between the meshes' vertices; a coarse mesh has holes where walls are thin.

    Raises:
        DatasetError: DexFuncGrasp or the procedural objects lack a category.
    """
    frozen = load_frozen_grasps()
    instances: dict[str, list[str]] = defaultdict(list)
    wanted: list[_Wanted] = []
    for index, item in enumerate(frozen.objects):
        if item.category not in categories or len(instances[item.category]) >= objects_per_category:
            continue
        if item.category not in CATEGORIES:
            raise DatasetError(f"DexFuncGrasp has no category '{item.category}': it has {', '.join(CATEGORIES)}")
        instances[item.category].append(_next_name(item.category, instances[item.category]))
        name = instances[item.category][-1]
        vertices, faces = mesh_from_parameters(item.family, item.parameters, mesh_spacing_m)
        write_object_mesh(root, item.category, name, vertices, faces, MESH_OFFSET_M)
        vectors = dict(frozen.grasps_of(index))[INTENT][:grasps_per_object]
        wanted += [_Wanted(item.category, name, number, vector) for number, vector in enumerate(vectors)]
    missing = sorted(set(categories) - {category for category, names in instances.items() if names})
    if missing:
        raise DatasetError(f"there are no procedural objects of {', '.join(missing)}")
    write_object_list(root, instances)
    found = _shadow_grasps(torch.stack([grasp.vector for grasp in wanted]))
    for grasp, (dof_values, palm) in zip(wanted, found, strict=True):
        annotated = instances[grasp.category][0]
        write_shadow_grasp(
            root,
            grasp.category,
            grasp.instance,
            grasp.number,
            dof_values,
            palm,
            MESH_OFFSET_M,
            annotated,
            OBJECT_STAND,
        )
    return len(wanted)


def _next_name(category: str, taken: Sequence[str]) -> str:
    """A name for a category's next object: the first three lie in different splits, the others in training."""
    wanted = SPLITS[len(taken)] if len(taken) < len(SPLITS) else SPLITS[0]
    names = (f"unit_{category}_s{number:03d}" for number in itertools.count(1))
    return next(
        name for name in names if name not in taken and split_of_object(make_object_id(category, name)) == wanted
    )


class _Wanted(NamedTuple):
    """A human grasp [61] that a Shadow Hand shall imitate."""

    category: str
    instance: str
    number: int
    vector: torch.Tensor


def _shadow_grasps(vectors: torch.Tensor) -> list[tuple[np.ndarray, RigidPose]]:
    """Joint angles and palm pose of a Shadow Hand for each MANO vector [B, 61]."""
    hand = GraspingHand(ManoLayer())
    angles = joint_angles_from_axis_angle(vectors[:, 3:48], hand.bases)
    poses = HandPoses(axis_angle_to_matrix(vectors[:, :3]), vectors[:, 58:], angles, vectors[:, 48:58])
    with torch.no_grad():
        human = HumanKeypoints(hand)(hand(poses))
    found = (value.double().numpy() for value in shadow_hands_like(human))
    return [
        (dof_values, RigidPose(rotation, translation)) for dof_values, rotation, translation in zip(*found, strict=True)
    ]


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit code."""
    parser = argparse.ArgumentParser(description="Write a small data set in DexFuncGrasp's layout.")
    parser.add_argument("--output", type=Path, required=True, help="folder of the data set")
    parser.add_argument("--objects", type=int, default=3, help="per category (default: 3, one a split)")
    parser.add_argument("--grasps", type=int, default=4, help="per object (default: 4)")
    options = parser.parse_args(arguments)
    try:
        num_grasps = write_example_tree(
            options.output, objects_per_category=options.objects, grasps_per_object=options.grasps
        )
    except FuncGraspError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"{num_grasps} grasps in {options.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
