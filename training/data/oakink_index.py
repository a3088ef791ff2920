"""Finds and reads what an OakInk-Shape folder holds: grasps, hand parameters and meshes."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from funcgrasp_core.errors import DatasetError, HandFileError, InvalidFileError
from funcgrasp_core.hand.mano_pickle import read_mano_pickle
from funcgrasp_core.preprocessing.file_inputs import read_mesh
from training.data.oakink_layout import (
    ALIGNED_FOLDERS,
    GRASPS_FOLDER,
    HAND_ARRAYS,
    HAND_FILE,
    META_FOLDER,
    OBJECT_NAMES_FILE,
    OBJECTS_FOLDER,
    SOURCE_FILE,
    VIRTUAL_OBJECT_NAMES_FILE,
    VIRTUAL_OBJECTS_FOLDER,
    GraspSource,
    parse_source,
    split_of,
)

_CENTRED_WITHIN_M = 1e-6
"""A mesh that is centred up to rounding is left untouched."""


@dataclass(frozen=True)
class GraspRecord:
    """One grasp of the data set.

    Attributes:
        category: of the object.
        object_id: of the object in the hand; a virtual object's own id if the grasp was transferred to one.
        grasp_id: folder name of the grasp.
        source: where it was recorded.
        hand_file: its parameters.
    """

    category: str
    object_id: str
    grasp_id: str
    source: GraspSource
    hand_file: Path


def find_grasps(
    root: Path, split: str, categories: Sequence[str] | None = None, with_virtual: bool = False
) -> list[GraspRecord]:
    """All grasps of a split, sorted by path.

    Args:
        root: the data set's `shape` folder.
        split: "train", "val", "test" or "all"; decided by the real object's id, so that a virtual object never leaks.
        categories: to read; None reads all.
        with_virtual: also read grasps that were transferred to virtual objects.
    """
    grasps_folder = root / GRASPS_FOLDER
    if not grasps_folder.is_dir():
        raise DatasetError(
            f"{grasps_folder} is no folder: give the folder that holds {GRASPS_FOLDER} and {META_FOLDER}"
        )
    records = []
    for source_file in sorted(grasps_folder.glob(f"*/*/*/{SOURCE_FILE}")):
        folder = source_file.parent
        category, real_id, grasp_id = folder.parts[-3:]
        if (categories is not None and category not in categories) or split not in ("all", split_of(real_id)):
            continue
        source = parse_source(source_file.read_text(), source_file)
        if source.object_id != real_id:
            raise DatasetError(f"{source_file} names object {source.object_id} but lies in the folder of {real_id}")
        records.append(GraspRecord(category, real_id, grasp_id, source, folder / HAND_FILE))
        if with_virtual:
            records += [
                GraspRecord(category, hand_file.parent.name, grasp_id, source, hand_file)
                for hand_file in sorted(folder.glob(f"*/{HAND_FILE}"))
            ]
    return records


def read_hand_vector(path: Path) -> np.ndarray:
    """The MANO vector [61] float32 of a hand file; only NumPy arrays are unpickled.

    Raises:
        DatasetError: the file is missing or damaged, or an array is missing, of another length or not finite.
    """
    if not path.is_file():
        raise DatasetError(f"{path} is missing: copy or generate this grasp again")
    try:
        arrays = read_mano_pickle(path)
    except HandFileError as error:
        raise DatasetError(
            f"{path} is no pickle of NumPy arrays: it is damaged or refers to objects that were refused"
        ) from error
    pieces = []
    for key, length in HAND_ARRAYS.items():
        values = arrays.get(key)
        if values is None or values.shape != (length,):
            found = "nothing" if values is None else f"shape {values.shape}"
            raise DatasetError(f"{path}: expected '{key}' of shape ({length},), found {found}")
        if not np.isfinite(values).all():
            raise DatasetError(f"{path}: '{key}' holds values that are not finite")
        pieces.append(values.astype(np.float32))
    return np.concatenate(pieces)


def read_object_names(root: Path) -> dict[str, tuple[str, str]]:
    """Object id -> (folder, name) of real and virtual objects."""
    names = {}
    for file_name, folder in (
        (OBJECT_NAMES_FILE, OBJECTS_FOLDER),
        (VIRTUAL_OBJECT_NAMES_FILE, VIRTUAL_OBJECTS_FOLDER),
    ):
        path = root / META_FOLDER / file_name
        try:
            table = json.loads(path.read_text())
            names.update({object_id: (folder, entry["name"]) for object_id, entry in table.items()})
        except OSError as error:
            raise DatasetError(f"{path} is missing: it names the mesh folder of every object") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DatasetError(f'{path}: expected {{"<object id>": {{"name": "<name>"}}}}') from error
    return names


def find_mesh(root: Path, names: dict[str, tuple[str, str]], object_id: str) -> Path:
    """The mesh file of an object."""
    if object_id not in names:
        raise DatasetError(f"object {object_id} has grasps but no name in {root / META_FOLDER}")
    folder, name = names[object_id]
    places = [root / folder / name / aligned for aligned in ALIGNED_FOLDERS]
    meshes = [mesh for place in places for kind in ("*.obj", "*.ply") for mesh in sorted(place.glob(kind))]
    if not meshes:
        raise DatasetError(f"object {object_id} has no .obj or .ply in {places[0]} or {places[1].name}")
    return meshes[0]


def read_centred_mesh(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Vertices [V, 3] float32, moved so that their box's centre is the origin, and faces [F, 3]."""
    try:
        mesh = read_mesh(path)
    except InvalidFileError as error:
        raise DatasetError(f"mesh of an object: {error}") from error
    vertices, faces = np.asarray(mesh.vertices), np.asarray(mesh.faces)
    centre = (vertices.min(axis=0) + vertices.max(axis=0)) / 2
    if np.abs(centre).max() < _CENTRED_WITHIN_M:
        return vertices.astype(np.float32), faces.astype(np.int64)
    return (vertices - centre).astype(np.float32), faces.astype(np.int64)
