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
    SIFTED_FOLDER,
    WORLD_SUFFIX,
    make_object_id,
    mesh_places,
    split_of_object,
    upright_from_mesh,
)
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
        world_file: the GraspIt world.
    """

    category: str
    instance: str
    annotated_instance: str
    grasp_id: str
    world_file: Path

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
    """All grasps of a split, sorted by their id; of a grasp that lies in two frames the object's frame is taken.

    Args:
        root: the folder that holds Obj_Data and Grasps.
        split: "train", "val", "test" or "all", by the md5 of the id of the object in the hand.
        categories: to read; None reads all.
        with_transferred: also grasps that were carried over to other objects.
        broken: takes folders that cannot be told; by default they are refused.

    Raises:
        DatasetError: the folder has another layout, or a grasp folder names no known category.
    """
    if split not in ("all", *SPLITS):
        raise ConfigurationError(f"split must be all, {', '.join(SPLITS)}, not '{split}'")
    top = root / GRASPS_FOLDER
    if not top.is_dir():
        raise DatasetError(f"{top} is no folder: give the folder that holds {OBJECTS_FOLDER} and {GRASPS_FOLDER}")
    category_of = read_categories(root)
    broken = BrokenFiles("refuse") if broken is None else broken
    grasps = []
    for folder in sorted(path for path in top.iterdir() if path.is_dir()):
        with broken.reading(folder):
            number, _, annotated = folder.name.partition("_")
            if number not in category_of or not annotated:
                raise DatasetError(
                    f"{folder}: expected a name of the form <number>_<object> with a number from {OBJECT_LIST_FILE}"
                )
            category = category_of[number]
            if categories is not None and category not in categories:
                continue
            held = {annotated: folder}
            if with_transferred and (folder / SIFTED_FOLDER).is_dir():
                others = sorted(path for path in (folder / SIFTED_FOLDER).iterdir() if path.is_dir())
                held |= {other.name: other for other in others if other.name != annotated}
            for instance, place in held.items():
                if split in ("all", split_of_object(make_object_id(category, instance))):
                    grasps += _grasps_in(place, category, instance, annotated)
    return grasps


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
    world = read_graspit_world(grasp.world_file)
    if world.instance != grasp.instance:
        raise DatasetError(f"{grasp.world_file} grasps '{world.instance}' but lies in the folder of '{grasp.instance}'")
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


def _grasps_in(folder: Path, category: str, instance: str, annotated: str) -> list[ShadowGrasp]:
    files = {
        path.stem: path for place in (folder, folder / OBJECT_FRAME_FOLDER) for path in place.glob(f"*{WORLD_SUFFIX}")
    }
    prefix = folder.name if instance == annotated else f"{folder.parents[1].name}/{instance}"
    return [
        ShadowGrasp(category, instance, annotated, f"{prefix}/{stem}", path) for stem, path in sorted(files.items())
    ]


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
