"""Writes a procedural data set to disk from object parameters and grasps: meshes, clouds, views and grasp files."""

import hashlib
import shutil
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from training.data.frozen_grasps import FrozenGrasps
from training.data.oakink import CLOUDS_FOLDER, sample_object_cloud
from training.data.oakink_layout import GRASPS_FOLDER, INTENT_CODES, OBJECTS_FOLDER, PROCEDURAL_STAGE, GraspSource
from training.data.oakink_writer import make_grasp_id, write_grasp, write_object_mesh, write_object_names, write_whole
from training.data.object_families import mesh_from_parameters
from training.data.procedural_objects import ProceduralObject, object_seed, write_procedural_objects
from training.data.view_rendering import RENDERS_FOLDER, store_views

_SUBJECTS = {"handover": "0000_0001"}
"""Who took part, by intent; OakInk's loader expects giver and receiver of a handover."""

_SUBJECT = "0000"
_FINISHED_FOLDER = ".finished"

GraspsByIntent = list[tuple[str, Tensor]]
"""Intent and vectors [n, 61] of one object."""


def write_procedural_dataset(root: Path, grasps: FrozenGrasps, show_progress: bool = True) -> None:
    """Writes all objects and grasps into a folder; what it holds of other objects stays.

    An object that an earlier call finished with the same shape and grasps is skipped; any other is written anew.

    Raises:
        DatasetError: the folder knows one of the ids by another name.
    """
    write_object_names(root, {item.object_id: item.name for item in grasps.objects})
    pending = []
    for index, item in enumerate(grasps.objects):
        by_intent = grasps.grasps_of(index)
        stamp = _content_digest(item, by_intent)
        if _stamp_of(root, item.object_id) != stamp:
            _remove_object(root, item)
            pending.append((item, by_intent, stamp))
    write_procedural_objects(root, grasps.objects)
    for item, by_intent, stamp in tqdm(pending, desc="objects", unit="object", disable=not show_progress):
        _write_object(root, item)
        for intent, vectors in by_intent:
            _write_grasps(root, item, intent, vectors.numpy())
        write_whole(_stamp_file(root, item.object_id), f"{stamp}\n".encode())


def is_complete(root: Path, grasps: FrozenGrasps) -> bool:
    """Whether a folder holds all of these objects and grasps, finished."""
    digests = ((item, _content_digest(item, grasps.grasps_of(index))) for index, item in enumerate(grasps.objects))
    return all(_stamp_of(root, item.object_id) == digest for item, digest in digests)


def _content_digest(item: ProceduralObject, by_intent: GraspsByIntent) -> str:
    """Differs whenever the object's shape or one of its grasps differs."""
    digest = hashlib.sha256(item.digest.encode())
    for intent, vectors in by_intent:
        digest.update(f"/{intent}/{len(vectors)}/".encode())
        digest.update(vectors.numpy().astype("<f4").tobytes())
    return digest.hexdigest()


def _stamp_file(root: Path, object_id: str) -> Path:
    return root / _FINISHED_FOLDER / object_id


def _stamp_of(root: Path, object_id: str) -> str | None:
    """What was written of an object; None if it was not finished."""
    path = _stamp_file(root, object_id)
    return path.read_text().strip() if path.is_file() else None


def _remove_object(root: Path, item: ProceduralObject) -> None:
    """Removes whatever a call with another shape, with other grasps or an interrupted one left of an object."""
    _stamp_file(root, item.object_id).unlink(missing_ok=True)
    (root / CLOUDS_FOLDER / f"{item.object_id}.npy").unlink(missing_ok=True)
    for folder in (
        root / GRASPS_FOLDER / item.category / item.object_id,
        root / RENDERS_FOLDER / item.object_id,
        root / OBJECTS_FOLDER / item.name,
    ):
        if folder.exists():
            shutil.rmtree(folder)


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
        # OakInk's loader takes hands of one object and time for the two of a handover.
        recorded_at = f"{INTENT_CODES[intent]}-{number}"
        source = GraspSource(PROCEDURAL_STAGE, item.object_id, intent, _SUBJECTS.get(intent, _SUBJECT), recorded_at)
        write_grasp(root, item.category, make_grasp_id(item.object_id, intent, number), source, vector)
