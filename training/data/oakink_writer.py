"""Writes objects and grasps in the OakInk-Shape layout; the same content always gives the same bytes."""

import hashlib
import json
import pickle
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from funcgrasp_core.contracts import MANO_VECTOR_SIZE
from funcgrasp_core.errors import DatasetError
from training.data.oakink_layout import (
    ALIGNED_FOLDERS,
    GRASP_ID_LENGTH,
    GRASPS_FOLDER,
    HAND_ARRAYS,
    HAND_FILE,
    META_FOLDER,
    OBJECT_ID_LENGTH,
    OBJECT_NAMES_FILE,
    OBJECTS_FOLDER,
    SOURCE_FILE,
    VIRTUAL_OBJECT_NAMES_FILE,
    VIRTUAL_OBJECTS_FOLDER,
    GraspSource,
)

_PICKLE_PROTOCOL = 4


def write_object_names(root: Path, names: Mapping[str, str], virtual: bool = False) -> None:
    """Adds the folder name of every object id to one of the two tables in `metaV2`; both files are there afterwards.

    Args:
        root: folder of the data set.
        names: object id -> name.
        virtual: the table of virtual objects.

    Raises:
        DatasetError: an id is no object id, the tables know it by another name, or they are damaged.
    """
    for object_id in names:
        if len(object_id) != OBJECT_ID_LENGTH:
            raise DatasetError(f"object ids have {OBJECT_ID_LENGTH} characters, '{object_id}' has {len(object_id)}")
    tables = {
        file_name: _read_names(root / META_FOLDER / file_name)
        for file_name in (OBJECT_NAMES_FILE, VIRTUAL_OBJECT_NAMES_FILE)
    }
    table = tables[VIRTUAL_OBJECT_NAMES_FILE if virtual else OBJECT_NAMES_FILE]
    for object_id, name in names.items():
        known = table.setdefault(object_id, name)
        if known != name:
            raise DatasetError(f"{root} knows object {object_id} as '{known}', not as '{name}': choose another folder")
    for file_name, content in tables.items():
        entries = {object_id: {"name": name} for object_id, name in sorted(content.items())}
        write_whole(root / META_FOLDER / file_name, (json.dumps(entries, indent=1) + "\n").encode())


def write_object_mesh(
    root: Path,
    name: str,
    vertices: np.ndarray,
    faces: np.ndarray,
    virtual: bool = False,
    mesh_folder: str = ALIGNED_FOLDERS[0],
) -> Path:
    """Writes an object's mesh as binary PLY.

    Args:
        root: folder of the data set.
        name: of the object, from its table of names.
        vertices: [V, 3] metres.
        faces: [F, 3].
        virtual: the object is virtual, its mesh lies among those of virtual objects.
        mesh_folder: "align" or "align_ds".
    """
    folder = VIRTUAL_OBJECTS_FOLDER if virtual else OBJECTS_FOLDER
    path = root / folder / name / mesh_folder / f"{name}.ply"
    header = (
        f"ply\nformat binary_little_endian 1.0\nelement vertex {len(vertices)}\n"
        "property float x\nproperty float y\nproperty float z\n"
        f"element face {len(faces)}\nproperty list uchar int vertex_indices\nend_header\n"
    )
    rows = np.empty(len(faces), dtype=[("count", "u1"), ("indices", "<i4", 3)])
    rows["count"], rows["indices"] = 3, faces
    write_whole(path, header.encode() + vertices.astype("<f4").tobytes() + rows.tobytes())
    return path


def write_grasp(root: Path, category: str, grasp_id: str, source: GraspSource, vector: np.ndarray) -> Path:
    """Writes one grasp and returns its folder.

    Args:
        root: folder of the data set.
        category: of the object.
        grasp_id: 10 characters, unique to the grasp.
        source: object, intent and origin.
        vector: [61] MANO vector in the frame of the object's mesh, whose box is centred.
    """
    if len(grasp_id) != GRASP_ID_LENGTH:
        raise DatasetError(f"grasp ids have {GRASP_ID_LENGTH} characters, '{grasp_id}' has {len(grasp_id)}")
    hand = _hand_pickle(grasp_id, vector)
    folder = root / GRASPS_FOLDER / category / source.object_id / grasp_id
    write_whole(folder / HAND_FILE, hand)
    write_whole(folder / SOURCE_FILE, source.as_text().encode())
    return folder


def write_transferred_grasp(grasp_folder: Path, virtual_id: str, vector: np.ndarray) -> Path:
    """Writes a grasp that was transferred to a virtual object and returns its folder.

    Args:
        grasp_folder: of the recorded grasp, as `write_grasp` returns it.
        virtual_id: of the virtual object.
        vector: [61] MANO vector in the frame of the virtual object's mesh, whose box is centred.
    """
    if len(virtual_id) != OBJECT_ID_LENGTH:
        raise DatasetError(f"object ids have {OBJECT_ID_LENGTH} characters, '{virtual_id}' has {len(virtual_id)}")
    if not (grasp_folder / SOURCE_FILE).is_file():
        raise DatasetError(f"{grasp_folder} holds no recorded grasp: write that first")
    folder = grasp_folder / virtual_id
    write_whole(folder / HAND_FILE, _hand_pickle(f"{grasp_folder.name}/{virtual_id}", vector))
    return folder


def _hand_pickle(grasp: str, vector: np.ndarray) -> bytes:
    if vector.shape != (MANO_VECTOR_SIZE,) or not np.isfinite(vector).all():
        raise DatasetError(f"grasp {grasp}: expected {MANO_VECTOR_SIZE} finite values, got shape {vector.shape}")
    pieces = np.split(vector.astype(np.float32), np.cumsum(list(HAND_ARRAYS.values()))[:-1])
    hand = {key: np.array(piece) for key, piece in zip(HAND_ARRAYS, pieces, strict=True)}
    return pickle.dumps(hand, protocol=_PICKLE_PROTOCOL)


def make_grasp_id(object_id: str, intent: str, index: int) -> str:
    """A grasp id that depends on object, intent and number only."""
    digest = hashlib.md5(f"{object_id}/{intent}/{index}".encode(), usedforsecurity=False).hexdigest()
    return digest[:GRASP_ID_LENGTH]


def write_whole(path: Path, content: bytes) -> None:
    """Writes a whole file or none: an interrupted run leaves no half file behind."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".unfinished")
    unfinished.write_bytes(content)
    unfinished.replace(path)


def _read_names(path: Path) -> dict[str, str]:
    """Object id -> name of a table; empty if there is none yet."""
    if not path.is_file():
        return {}
    try:
        return {object_id: entry["name"] for object_id, entry in json.loads(path.read_text()).items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DatasetError(f'{path}: expected {{"<object id>": {{"name": "<name>"}}}}') from error
