"""Finds and reads what an OakInk-Shape folder holds: grasps, hand parameters and meshes.

The rules are those of OakInk's own loader (`oikit.oi_shape`); `docs/verify_oakink_loader.py` compares the two.
"""

import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from funcgrasp_core.errors import ConfigurationError, DatasetError, HandFileError, InvalidFileError
from funcgrasp_core.hand.mano_pickle import read_mano_pickle
from funcgrasp_core.preprocessing.file_inputs import read_mesh
from training.data.broken_files import BrokenFiles
from training.data.oakink_layout import (
    ALIGNED_FOLDERS,
    GRASP_ID_LENGTH,
    GRASPS_FOLDER,
    HAND_ARRAYS,
    HAND_FILE,
    META_FOLDER,
    OAKINK_CATEGORIES,
    OBJECT_ID_LENGTH,
    OBJECT_NAMES_FILE,
    OBJECTS_FOLDER,
    SOURCE_FILE,
    SPLITS,
    VIRTUAL_OBJECT_NAMES_FILE,
    VIRTUAL_OBJECTS_FOLDER,
    GraspSource,
    parse_source,
    split_of,
)
from training.data.oakink_reading import DEFAULT_READING, OakInkReading

_CENTRED_WITHIN_M = 1e-6
"""A mesh that is centred up to rounding is left untouched."""

LARGEST_OBJECT_M = 1.0
"""A mesh with a longer side is not in metres, or no object for a hand."""

SMALLEST_OBJECT_M = 0.01

_ALIGNED_MARK = "align"
"""Of several meshes in a folder, the one with this in its name counts."""


@dataclass(frozen=True)
class GraspRecord:
    """One grasp of the data set.

    Attributes:
        category: of the object.
        object_id: of the object in the hand; a virtual object's own id if the grasp was transferred to one.
        grasp_id: folder name of the grasp; a transferred grasp shares it with the recorded one.
        source: where it was recorded, and on which real object.
        hand_file: its parameters.
    """

    category: str
    object_id: str
    grasp_id: str
    source: GraspSource
    hand_file: Path

    @property
    def is_virtual(self) -> bool:
        """Whether the grasp was transferred to an object that nobody held."""
        return self.hand_file.parent.name != self.grasp_id


def find_grasps(
    root: Path, split: str, reading: OakInkReading = DEFAULT_READING, broken: BrokenFiles | None = None
) -> list[GraspRecord]:
    """All grasps of a split, sorted by path.

    Args:
        root: the data set's `shape` folder.
        split: "train", "val", "test" or "all", by the md5 of the object's id.
        reading: which grasps are read.
        broken: takes broken `source.txt` and missing hand files; by default they are treated as `reading` says.

    Raises:
        DatasetError: the folder has another layout, or a file is broken and refused.
    """
    if split not in ("all", *SPLITS):
        raise ConfigurationError(f"split must be all, {', '.join(SPLITS)}, not '{split}'")
    broken = BrokenFiles(reading.on_broken) if broken is None else broken
    records = []
    for folder in grasp_folders(root, reading):
        hand_files = _hand_files(folder, split, reading)
        with broken.reading(folder / SOURCE_FILE):
            records += _records_of(folder, hand_files) if hand_files else []
    return _select_handovers([record for record in records if record.source.intent in reading.intents], reading)


def grasp_folders(root: Path, reading: OakInkReading = DEFAULT_READING) -> Iterator[Path]:
    """The folders `<category>/<object id>/<grasp id>` of the chosen categories, sorted.

    Raises:
        DatasetError: the folder has another layout.
    """
    top = root / GRASPS_FOLDER
    if not top.is_dir():
        raise DatasetError(f"{top} is no folder: give the folder that holds {GRASPS_FOLDER} and {META_FOLDER}")
    found = sorted(folder for folder in top.iterdir() if folder.is_dir())
    known = {*OAKINK_CATEGORIES, *(folder.name for folder in found)}
    unknown = [name for name in reading.categories or () if name not in known]
    if unknown:
        raise DatasetError(f"{top} has no category {', '.join(unknown)}; it has {', '.join(f.name for f in found)}")
    for category in found:
        if reading.categories is not None and category.name not in reading.categories:
            continue
        for folder in sorted(category.glob("*/*")):
            real_id, grasp_id = folder.parts[-2:]
            if len(real_id) == OBJECT_ID_LENGTH and len(grasp_id) == GRASP_ID_LENGTH and folder.is_dir():
                yield folder


def _hand_files(folder: Path, split: str, reading: OakInkReading) -> list[tuple[str, Path]]:
    """Object id and hand file of the grasp itself, then of the virtual objects that it was transferred to."""
    real_id = folder.parent.name
    hand_files = [(real_id, folder / HAND_FILE)]
    if reading.with_virtual:
        transferred = sorted(folder.glob(f"*/{HAND_FILE}"))
        hand_files += [(path.parent.name, path) for path in transferred if len(path.parent.name) == OBJECT_ID_LENGTH]
    if split == "all":
        return hand_files
    by_real_id = reading.virtual_split == "real"
    return [
        (object_id, path) for object_id, path in hand_files if split_of(real_id if by_real_id else object_id) == split
    ]


def _records_of(folder: Path, hand_files: list[tuple[str, Path]]) -> list[GraspRecord]:
    category, real_id, grasp_id = folder.parts[-3:]
    source_file = folder / SOURCE_FILE
    try:
        source = parse_source(source_file.read_text(), source_file)
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(
            f"{source_file} is missing or unreadable ({error}): it says what the grasp is for; copy it again"
        ) from error
    if source.object_id != real_id:
        raise DatasetError(f"{source_file} names object {source.object_id} but lies in the folder of {real_id}")
    return [GraspRecord(category, object_id, grasp_id, source, path) for object_id, path in hand_files]


def _select_handovers(records: list[GraspRecord], reading: OakInkReading) -> list[GraspRecord]:
    """Leaves out handover grasps that the reading does not want; others pass."""
    if reading.handover == "all":
        return records
    if reading.handover == "givers":
        return [record for record in records if not record.source.is_receiver]
    hands = defaultdict(set)
    for record in records:
        if record.source.intent == "handover":
            hands[_event_of(record)].add(record.source)
    return [record for record in records if record.source.intent != "handover" or len(hands[_event_of(record)]) > 1]


def _event_of(record: GraspRecord) -> tuple[str, str, str, str]:
    """The same for the two hands of a handover."""
    return record.category, record.object_id, record.source.stage, record.source.recorded_at


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
    """Object id -> (folder, name) of real and virtual objects; an id in both tables is a real object's."""
    names = {}
    for file_name, folder in (
        (VIRTUAL_OBJECT_NAMES_FILE, VIRTUAL_OBJECTS_FOLDER),
        (OBJECT_NAMES_FILE, OBJECTS_FOLDER),
    ):
        path = root / META_FOLDER / file_name
        try:
            table = json.loads(path.read_text())
            names.update({object_id: (folder, str(entry["name"])) for object_id, entry in table.items()})
        except OSError as error:
            raise DatasetError(f"{path} is missing: it names the mesh folder of every object") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise DatasetError(f'{path}: expected {{"<object id>": {{"name": "<name>"}}}}') from error
    return names


def find_mesh(
    root: Path, names: dict[str, tuple[str, str]], object_id: str, mesh_folder: str = ALIGNED_FOLDERS[0]
) -> Path:
    """The mesh file of an object: the only .obj or .ply, or the only one with "align" in its name.

    Args:
        root: the data set's `shape` folder.
        names: as `read_object_names` gives them.
        object_id: real or virtual.
        mesh_folder: "align" or "align_ds".

    Raises:
        DatasetError: the object has no name, or not exactly one such file.
    """
    if object_id not in names:
        raise DatasetError(
            f"object {object_id} has grasps but no name in {root / META_FOLDER}: copy both tables of names again"
        )
    folder, name = names[object_id]
    place = root / folder / name / mesh_folder
    meshes = _meshes_in(place)
    if len(meshes) > 1:
        meshes = [path for path in meshes if _ALIGNED_MARK in path.name]
        if len(meshes) != 1:
            found = ", ".join(path.name for path in _meshes_in(place))
            raise DatasetError(
                f"{place} holds several meshes of object {object_id} ({found}): exactly one may have "
                f"'{_ALIGNED_MARK}' in its name"
            )
    if not meshes:
        others = [other for other in ALIGNED_FOLDERS if other != mesh_folder and _meshes_in(place.parent / other)]
        advice = f"read mesh_folder='{others[0]}', which has one" if others else "copy its folder again"
        raise DatasetError(f"object {object_id} has no .obj or .ply in {place}: {advice}")
    return meshes[0]


def _meshes_in(place: Path) -> list[Path]:
    found = [path for kind in ("*.obj", "*.ply") for path in sorted(place.glob(kind))]
    return [path for path in found if not path.name.startswith(".")]


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


def check_object_size(vertices: np.ndarray, path: Path) -> None:
    """Refuses a mesh [V, 3] that no hand can hold.

    Raises:
        DatasetError: its longest side is outside of SMALLEST_OBJECT_M to LARGEST_OBJECT_M.
    """
    longest = float(np.ptp(vertices, axis=0).max())
    if not SMALLEST_OBJECT_M <= longest <= LARGEST_OBJECT_M:
        raise DatasetError(
            f"{path}: the object's longest side is {longest:.4g} m, expected {SMALLEST_OBJECT_M} to "
            f"{LARGEST_OBJECT_M} m: scale the mesh to metres"
        )
