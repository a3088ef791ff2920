"""The packed files that the authors train with: all grasps of one object in one NumPy file.

A file holds an array of two dictionaries: of the object ("points" [N, 3] in millimetres, "obj_class") and of its grasps
("rtj" [M, 29]: quaternion w x y z, translation in millimetres, 22 joint angles; "name" [M]), both in the frame of the
object's mesh. It is a pickle inside; only arrays and plain containers are unpickled.
"""

import functools
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from funcgrasp_core.errors import DatasetError, HandFileError
from funcgrasp_core.hand.mano_pickle import unpickle_arrays
from training.data.dexfuncgrasp.graspit_world import (
    MM_PER_M,
    NUM_DOFS,
    GraspItWorld,
    RigidPose,
    check_joint_angles,
    quaternion_of,
    rotation_of_quaternion,
)

ROW_SIZE = 4 + 3 + NUM_DOFS
_HELD_STILL = RigidPose(np.eye(3), np.zeros(3))


@dataclass(frozen=True)
class PackedGrasps:
    """The grasps of one object.

    Attributes:
        path: of the file.
        rows: [M, 29].
        names: of the grasps, each once.
    """

    path: Path
    rows: np.ndarray
    names: tuple[str, ...]

    def world(self, row: int, category: str, instance: str) -> GraspItWorld:
        """One grasp as a GraspIt world whose object lies in its mesh's frame.

        Raises:
            DatasetError: the row holds no pose.
        """
        values = self.rows[row]
        where = f"{self.path}, grasp {self.names[row]}"
        if not np.isfinite(values).all():
            raise DatasetError(f"{where}: 'rtj' holds values that are not finite")
        check_joint_angles(values[7:], where)
        hand = RigidPose(rotation_of_quaternion(values[:4], where), values[4:7] / MM_PER_M)
        return GraspItWorld(category, instance, _HELD_STILL, hand, values[7:].copy())


def read_packed_grasps(path: Path) -> PackedGrasps:
    """Reads a packed file; the last few stay in memory while they are unchanged.

    Raises:
        DatasetError: the file is missing, no such array, or refers to objects that were refused.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise DatasetError(f"{path} cannot be read ({error}): copy it again") from error
    return _read(path, status.st_mtime_ns, status.st_size)


def write_packed_grasps(path: Path, category: str, surface: np.ndarray, grasps: dict[str, GraspItWorld]) -> None:
    """Writes grasps of one object by name, as the authors' loader expects them.

    Args:
        path: of the file.
        category: of the object.
        surface: [N, 3] points in the mesh's frame, metres.
        grasps: their poses in the mesh's frame.
    """
    rows = [
        np.concatenate([quaternion_of(hand.rotation), hand.translation * MM_PER_M, world.dof_values])
        for world in grasps.values()
        for hand in (world.hand_in_mesh_frame(),)
    ]
    content = np.empty(2, dtype=object)
    content[0] = {"points": surface * MM_PER_M, "obj_class": category}
    content[1] = {"rtj": np.stack(rows), "name": np.array(list(grasps))}
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(path.name + ".unfinished")
    with unfinished.open("wb") as file:
        np.save(file, content, allow_pickle=True)
    unfinished.replace(path)


@functools.lru_cache(maxsize=4)
def _read(path: Path, _modified: int, _size: int) -> PackedGrasps:
    content = _unpickle(path)
    try:
        grasps = content[1]
        rows, names = np.asarray(grasps["rtj"], dtype=np.float64), tuple(str(name) for name in grasps["name"])
    except (TypeError, KeyError, IndexError, ValueError) as error:
        raise DatasetError(
            f"{path}: expected an array of two dictionaries, the second with 'rtj' and 'name'"
        ) from error
    if rows.shape != (len(names), ROW_SIZE):
        raise DatasetError(f"{path}: expected 'rtj' of shape ({len(names)}, {ROW_SIZE}), found {rows.shape}")
    if len(set(names)) != len(names):
        raise DatasetError(f"{path}: several grasps have the same name")
    return PackedGrasps(path, rows, names)


def _unpickle(path: Path) -> np.ndarray:
    try:
        with path.open("rb") as file:
            version = np.lib.format.read_magic(file)
            read_header = (
                np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            )
            _, _, dtype = read_header(file)
            if dtype.kind != "O":
                raise DatasetError(f"{path} is an array of {dtype}, expected two dictionaries")
            return unpickle_arrays(file)
    except DatasetError:
        raise
    except HandFileError as error:
        raise DatasetError(f"{path} refers to objects that no data set needs; it was refused ({error})") from error
    except Exception as error:  # a damaged pickle can raise nearly anything
        raise DatasetError(f"{path} is no packed grasp file ({error}): copy it again") from error
