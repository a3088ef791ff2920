"""Names, paths, categories and frames of the DexFuncGrasp data set, shared by its reader, writer and inspector.

Hang et al., "DexFuncGrasp: A Robotic Dexterous Functional Grasp Dataset Constructed from a Cost-Effective
Real-Simulation Annotation System", AAAI 2024. Its layout, N being the number of a category:

Obj_Data/obj_data.json                                   {"N": {"category": "mug", "instance": ["<object>.obj", ...]}}
Obj_Data/<category>/<object>.obj                         meshes, metres; also in Obj_Data/<category>/obj/
Grasps/N_<object>/N_<k>.xml                              annotated grasps, object and hand in the annotation's world
Grasps/N_<object>/new/N_<k>.xml                          the same grasps, the object's rotation taken out
Grasps/N_<object>/sift/<other>/[new/]N_<k>.xml           transferred to another object and kept by simulation
Grasps/N_<object>/transferred/<other>/N_<k>.xml          transferred, before simulation: not read
Grasps_Dataset/{train,test}/N_<object>/<other>.npy       instead of Grasps: all grasps of an object in one file

Beside each .xml lies a .pkl of the same name with derived points (surface, keypoints, hand mesh), which nothing needs.
"""

from pathlib import Path

import numpy as np

from funcgrasp_core.errors import DatasetError
from training.data.oakink_layout import split_of

OBJECTS_FOLDER = "Obj_Data"
OBJECT_LIST_FILE = "obj_data.json"
MESH_SUBFOLDER = "obj"
GRASPS_FOLDER = "Grasps"
OBJECT_FRAME_FOLDER = "new"
SIFTED_FOLDER = "sift"
WORLD_SUFFIX = ".xml"
PACKED_FOLDER = "Grasps_Dataset"
PACKED_SPLITS = ("train", "test")
PACKED_SUFFIX = ".npy"
MESH_SUFFIX = ".obj"

INTENT = "use"
"""Every grasp was recorded as the one that the object's function needs (a mug's handle, a spray bottle's trigger)."""

UPRIGHT_QUARTER_TURNS = {
    "mug": (1, 0, -1),
    "bowl": (1, 0, -1),
    "knife": (0, -1, 0),
    "mouse": (0, -1, 2),
    "bottle": (1, 0, -1),
    "bucket": (0, -1, 2),
    "camera": (1, 0, 0),
    "pliers": (1, 0, -1),
    "remote": (2, 0, 0),
    "teapot": (1, 0, -1),
    "stapler": (2, 0, -1),
    "eyeglass": (-1, -1, 0),
    "scissors": (-1, 2, 0),
    "spraycan": (0, 0, 0),
    "headphone": (0, 0, 0),
    "lightbulb": (1, 0, 0),
    "wineglass": (1, 0, 0),
    "flashlight": (0, -1, 1),
    "screwdriver": (-1, 0, -1),
    "spraybottle": (1, 0, 0),
    "drill_hairdryer": (-1, -1, 0),
}
"""Categories in the order of their numbers, with the quarter turns about x, y and z by which the authors' loader
stands an object on its table: upright = R^T mesh with R = Rz Ry Rx, and y up."""

CATEGORIES = tuple(UPRIGHT_QUARTER_TURNS)

_OAKINK_NAMES = {
    "camera": "cameras",
    "eyeglass": "eyeglasses",
    "headphone": "headphones",
    "pliers": "pincer",
    "spraybottle": "trigger_sprayer",
}
_DRILLS_AND_HAIR_DRYERS = "drill_hairdryer"

_Z_UP_FROM_Y_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])


def upright_from_mesh(category: str) -> np.ndarray:
    """[3, 3] rotation from the axes of a category's mesh files to ours, z up.

    Raises:
        DatasetError: the category is not one of the data set's.
    """
    if category not in UPRIGHT_QUARTER_TURNS:
        raise DatasetError(f"DexFuncGrasp has no category '{category}'; it has {', '.join(CATEGORIES)}")
    x, y, z = (_quarter_turns(axis, turns) for axis, turns in enumerate(UPRIGHT_QUARTER_TURNS[category]))
    return _Z_UP_FROM_Y_UP @ (z @ y @ x).T


def shared_category(category: str, instance: str) -> str:
    """What OakInk calls objects of this kind, so that one kind has one name in a mixture; else the category's name."""
    if category == _DRILLS_AND_HAIR_DRYERS:
        return "power_drill" if "drill" in instance.lower() else "hair_dryer"
    return _OAKINK_NAMES.get(category, category)


def make_object_id(category: str, instance: str) -> str:
    """The id of an instance, such as mug/unit_mug_s001: its name alone is not unique (two categories share one)."""
    return f"{category}/{instance}"


def split_of_object(object_id: str) -> str:
    """The split of an object: md5 of its id as an integer, modulo 10; 0 to 7 train, 8 val, 9 test.

    Nothing lists the authors' split of the world files, so OakInk's rule decides.
    """
    return split_of(object_id)


def split_of_packed(folder: str, object_id: str) -> str:
    """The split of an object in the authors' `train` or `test` folder: theirs, with a tenth of the former as val."""
    return "val" if folder == "train" and split_of(object_id) == "val" else folder


def mesh_places(root: Path, category: str, instance: str) -> tuple[Path, ...]:
    """Where an object's mesh may lie: the annotation's place first, then that of the transfer to other objects."""
    folder = root / OBJECTS_FOLDER / category
    name = instance + MESH_SUFFIX
    return folder / name, folder / MESH_SUBFOLDER / name


def grasp_folder_name(category: str, instance: str) -> str:
    """The folder of an object's annotated grasps: the category's number and the instance."""
    return f"{CATEGORIES.index(category)}_{instance}"


def _quarter_turns(axis: int, turns: int) -> np.ndarray:
    """[3, 3] rotation about a coordinate axis, exact."""
    sine, cosine = ((0, 1), (1, 0), (0, -1), (-1, 0))[turns % 4]
    rotation = np.eye(3)
    after, last = (axis + 1) % 3, (axis + 2) % 3
    rotation[after, after] = rotation[last, last] = cosine
    rotation[last, after], rotation[after, last] = sine, -sine
    return rotation
