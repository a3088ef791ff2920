"""Writes a procedural data set to disk from object parameters and grasps: meshes, clouds, views and grasp files."""

from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from training.data.frozen_grasps import FrozenGrasps
from training.data.oakink import CLOUDS_FOLDER, sample_object_cloud
from training.data.oakink_layout import GraspSource
from training.data.oakink_writer import make_grasp_id, write_grasp, write_object_mesh, write_object_names
from training.data.object_families import mesh_from_parameters
from training.data.procedural_objects import ProceduralObject, object_seed, write_procedural_objects
from training.data.view_rendering import store_views

_STAGE = "procedural"
_SUBJECTS = "0000"
_FINISHED_FOLDER = ".finished"


def write_procedural_dataset(root: Path, grasps: FrozenGrasps, show_progress: bool = True) -> None:
    """Writes all objects and grasps; objects that an earlier, interrupted call finished are skipped."""
    write_object_names(root, {item.object_id: item.name for item in grasps.objects})
    write_procedural_objects(root, grasps.objects)
    finished = root / _FINISHED_FOLDER
    finished.mkdir(parents=True, exist_ok=True)
    for index, item in enumerate(tqdm(grasps.objects, desc="objects", unit="object", disable=not show_progress)):
        if (finished / item.object_id).exists():
            continue
        _write_object(root, item)
        for intent, vectors in grasps.grasps_of(index):
            _write_grasps(root, item, intent, vectors.numpy())
        (finished / item.object_id).touch()


def _write_object(root: Path, item: ProceduralObject) -> None:
    vertices, faces = mesh_from_parameters(item.family, item.parameters)
    write_object_mesh(root, item.name, vertices, faces)
    seed = object_seed(item.object_id, seed=0)
    cloud_file = root / CLOUDS_FOLDER / f"{item.object_id}.npy"
    cloud_file.parent.mkdir(parents=True, exist_ok=True)
    np.save(cloud_file, sample_object_cloud(vertices, faces, seed))
    parts = item.family.part_labels(torch.from_numpy(vertices)[None], item.parameters)[0].numpy()
    store_views(root, item.object_id, vertices, faces, parts, seed)


def _write_grasps(root: Path, item: ProceduralObject, intent: str, vectors: np.ndarray) -> None:
    for number, vector in enumerate(vectors):
        source = GraspSource(_STAGE, item.object_id, intent, _SUBJECTS, str(number))
        write_grasp(root, item.category, make_grasp_id(item.object_id, intent, number), source, vector)
