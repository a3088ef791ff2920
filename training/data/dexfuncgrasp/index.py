"""Finds and reads what a DexFuncGrasp folder holds: grasps, objects and meshes."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from funcgrasp_core.errors import ConfigurationError, DatasetError, InvalidFileError
from funcgrasp_core.preprocessing.file_inputs import read_mesh
from training.data.broken_files import BrokenFiles
from training.data.dexfuncgrasp.graspit_world import GraspItWorld, RigidPose, read_graspit_world
from training.data.dexfuncgrasp.layout import (
    GRASPS_FOLDER,
    OBJECT_FRAME_FOLDER,
    OBJECT_LIST_FILE,
    OBJECTS_FOLDER,
    PACKED_FOLDER,
    PACKED_SPLITS,
    PACKED_SUFFIX,
    SIFTED_FOLDER,
    WORLD_SUFFIX,
    make_object_id,
    mesh_places,
    split_of_object,
    split_of_packed,
    upright_from_mesh,
)
from training.data.dexfuncgrasp.packed_grasps import read_packed_grasps
from training.data.oakink_layout import SPLITS

SMALLEST_OBJECT_M, LARGEST_OBJECT_M = 0.01, 1.0


@dataclass(frozen=True)
class ShadowGrasp:
    """One grasp file.

    Attributes:
        category: of the object.
        instance: name of the object in the hand.
        annotated_instance: the object that the grasp was recorded on.
        grasp_id: unique in the data set: "0_unit_025_mug/0_6", or with the other object between.
        split: "train", "val" or "test".
        file: the GraspIt world, or the packed grasps of the object.
        row: of the packed grasps; None for a world.
    """

    category: str
    instance: str
    annotated_instance: str
    grasp_id: str
    split: str
    file: Path
    row: int | None = None

    @property
    def object_id(self) -> str:
        """Of the object in the hand."""
        return make_object_id(self.category, self.instance)

    @property
    def is_transferred(self) -> bool:
        """Whether the grasp was carried over from another object of the category."""
        return self.instance != self.annotated_instance


@dataclass(frozen=True)
class UprightMesh:
    """An object in our frame: z up, the origin at the centre of its box.

    Attributes:
        vertices: [V, 3] float32 metres.
        faces: [F, 3] int64.
        centre: [3] of the box in the mesh file's own frame.
    """

    vertices: np.ndarray
    faces: np.ndarray
    centre: np.ndarray


def find_shadow_grasps(
    root: Path,
    split: str,
    categories: Sequence[str] | None = None,
    with_transferred: bool = True,
    broken: BrokenFiles | None = None,
) -> list[ShadowGrasp]:
    """All grasps of a split, sorted by their id.

    World files are read where there are any, and of a grasp that lies in two frames the one in the object's; else the
    packed files that the authors train with.

    Args:
        root: the folder that holds Obj_Data and Grasps or Grasps_Dataset.
        split: "train", "val", "test" or "all"; see `split_of_object` and `split_of_packed`.
        categories: to read; None reads all.
        with_transferred: also grasps that were carried over to other objects.
        broken: takes what cannot be read; by default it is refused.

    Raises:
        DatasetError: the folder has another layout, a folder names no known category, or a packed file is broken.
    """
    if split not in ("all", *SPLITS):
        raise ConfigurationError(f"split must be all, {', '.join(SPLITS)}, not '{split}'")
    are_packed = not (root / GRASPS_FOLDER).is_dir()
    tops = [root / PACKED_FOLDER / name for name in PACKED_SPLITS] if are_packed else [root / GRASPS_FOLDER]
    folders = [path for top in tops if top.is_dir() for path in sorted(top.iterdir()) if path.is_dir()]
    if not folders:
        raise DatasetError(
            f"{root} has no grasps: give the folder that holds {OBJECTS_FOLDER} and {GRASPS_FOLDER} or {PACKED_FOLDER}"
        )
    category_of = read_categories(root)
    broken = BrokenFiles("refuse") if broken is None else broken
    grasps: list[ShadowGrasp] = []
    for folder in folders:
        with broken.reading(folder):
            number, _, annotated = folder.name.partition("_")
            if number not in category_of or not annotated:
                raise DatasetError(
                    f"{folder}: expected a name of the form <number>_<object> with a number from {OBJECT_LIST_FILE}"
                )
            category = category_of[number]
            if categories is None or category in categories:
                grasps += (
                    _packed_in(folder, category, annotated, broken)
                    if are_packed
                    else _worlds_in(folder, category, annotated)
                )
    return [
        grasp
        for grasp in sorted(grasps, key=lambda grasp: grasp.grasp_id)
        if split in ("all", grasp.split) and (with_transferred or not grasp.is_transferred)
    ]


def read_categories(root: Path) -> dict[str, str]:
    """Number -> category, as the list of objects says."""
    return {number: entry["category"] for number, entry in _read_object_list(root).items()}


def read_instances(root: Path) -> dict[str, list[str]]:
    """Category -> names of its objects, without the mesh's suffix."""
    return {
        entry["category"]: [Path(name).name.removesuffix(".obj") for name in entry["instance"]]
        for entry in _read_object_list(root).values()
    }


def read_world(grasp: ShadowGrasp) -> GraspItWorld:
    """The world of a grasp.

    Raises:
        DatasetError: the file is broken or is about another object than its folder says.
    """
    if grasp.row is not None:
        return read_packed_grasps(grasp.file).world(grasp.row, grasp.category, grasp.instance)
    world = read_graspit_world(grasp.file)
    if world.instance != grasp.instance:
        raise DatasetError(f"{grasp.file} grasps '{world.instance}' but lies in the folder of '{grasp.instance}'")
    return world


def find_object_mesh(root: Path, category: str, instance: str) -> Path:
    """The mesh file of an object.

    Raises:
        DatasetError: there is none.
    """
    places = mesh_places(root, category, instance)
    for place in places:
        if place.is_file():
            return place
    raise DatasetError(f"object '{instance}' has no mesh: neither {places[0]} nor {places[1]} is there; copy it again")


def read_upright_mesh(path: Path, category: str) -> UprightMesh:
    """An object's mesh in our frame; files are in metres and are neither scaled nor centred by the authors' code.

    Raises:
        DatasetError: the file cannot be read, or no hand could hold an object of its size.
    """
    try:
        mesh = read_mesh(path)
    except InvalidFileError as error:
        raise DatasetError(f"mesh of an object: {error}") from error
    vertices, faces = np.asarray(mesh.vertices, dtype=np.float64), np.asarray(mesh.faces, dtype=np.int64)
    lower, upper = vertices.min(axis=0), vertices.max(axis=0)
    longest = float((upper - lower).max())
    if not SMALLEST_OBJECT_M <= longest <= LARGEST_OBJECT_M:
        raise DatasetError(
            f"{path}: the object's longest side is {longest:.4g} m, expected {SMALLEST_OBJECT_M} to "
            f"{LARGEST_OBJECT_M} m: meshes of this data set are in metres"
        )
    centre = (lower + upper) / 2
    upright = (vertices - centre) @ upright_from_mesh(category).T
    return UprightMesh(upright.astype(np.float32), faces, centre)


def hand_in_object_frame(world: GraspItWorld, category: str, centre: np.ndarray) -> RigidPose:
    """GraspIt's hand frame in our frame of the object, whose box has this centre [3] in the mesh's frame."""
    hand, turn = world.hand_in_mesh_frame(), upright_from_mesh(category)
    return RigidPose(turn @ hand.rotation, turn @ (hand.translation - centre))


def _worlds_in(folder: Path, category: str, annotated: str) -> list[ShadowGrasp]:
    """The world files below a folder of annotated grasps; their content is not read here."""
    held = {annotated: folder}
    if (folder / SIFTED_FOLDER).is_dir():
        others = sorted(path for path in (folder / SIFTED_FOLDER).iterdir() if path.is_dir())
        held |= {other.name: other for other in others if other.name != annotated}
    grasps = []
    for instance, place in held.items():
        found = (path for frame in (place, place / OBJECT_FRAME_FOLDER) for path in frame.glob(f"*{WORLD_SUFFIX}"))
        files = {path.stem: path for path in found}
        prefix = folder.name if instance == annotated else f"{folder.name}/{instance}"
        split = split_of_object(make_object_id(category, instance))
        grasps += [
            ShadowGrasp(category, instance, annotated, f"{prefix}/{stem}", split, path) for stem, path in files.items()
        ]
    return grasps


def _packed_in(folder: Path, category: str, annotated: str, broken: BrokenFiles) -> list[ShadowGrasp]:
    """The rows of the packed files in a folder of `train` or `test`."""
    grasps = []
    for path in sorted(folder.glob(f"*{PACKED_SUFFIX}")):
        with broken.reading(path):
            packed = read_packed_grasps(path)
            instance = path.stem
            split = split_of_packed(folder.parent.name, make_object_id(category, instance))
            grasps += [
                ShadowGrasp(category, instance, annotated, f"{folder.name}/{instance}/{name}", split, path, row)
                for row, name in enumerate(packed.names)
            ]
    return grasps


def _read_object_list(root: Path) -> dict[str, dict]:
    path = root / OBJECTS_FOLDER / OBJECT_LIST_FILE
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
        for entry in table.values():
            if not isinstance(entry["category"], str) or not all(isinstance(name, str) for name in entry["instance"]):
                raise TypeError("names must be text")
    except OSError as error:
        raise DatasetError(f"{path} is missing: it numbers the categories and lists the objects") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DatasetError(
            f'{path}: expected {{"<number>": {{"category": "<name>", "instance": ["<object>.obj", ...]}}}}'
        ) from error
    return table
