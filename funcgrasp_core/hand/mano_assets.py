"""A hand model in MANO's form: its arrays, read from and written to files.

MANO: Romero, Tzionas and Black, "Embodied Hands: Modeling and Capturing Hands and Bodies Together", SIGGRAPH Asia
2017. Symbols: V = 778 vertices, F = 1538 faces, 16 joints.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from funcgrasp_core.errors import HandFileError
from funcgrasp_core.hand.mano_pickle import read_mano_pickle

NUM_VERTICES = 778
NUM_FACES = 1538
NUM_JOINTS = 16
NUM_SHAPE = 10
FORMAT_NAME = "funcgrasp-hand"
FORMAT_VERSION = "1"

ARRAY_SHAPES: dict[str, tuple[int, ...]] = {
    "v_template": (NUM_VERTICES, 3),
    "shapedirs": (NUM_VERTICES, 3, NUM_SHAPE),
    "posedirs": (NUM_VERTICES, 3, 9 * (NUM_JOINTS - 1)),
    "J_regressor": (NUM_JOINTS, NUM_VERTICES),
    "weights": (NUM_VERTICES, NUM_JOINTS),
    "kintree_table": (2, NUM_JOINTS),
    "f": (NUM_FACES, 3),
    "hands_components": (45, 45),
    "hands_mean": (45,),
}
INTEGER_ARRAYS = ("kintree_table", "f")

TIP_VERTICES: dict[str, tuple[int, int, int, int, int]] = {
    "right": (745, 317, 444, 556, 673),
    "left": (745, 317, 445, 556, 673),
}
"""Vertices at the tips of thumb, index, middle, ring and pinky."""

FINGER_CHAINS = {
    "thumb": (13, 14, 15),
    "index": (1, 2, 3),
    "middle": (4, 5, 6),
    "ring": (10, 11, 12),
    "pinky": (7, 8, 9),
}
"""The joints of each finger from base to tip, numbered in MANO's order; 0 is the wrist."""


@dataclass(frozen=True)
class ManoAssets:
    """The arrays of a hand model under MANO's own names; metres, radians.

    Attributes:
        v_template: [778, 3] vertices at rest.
        shapedirs: [778, 3, 10] displacement per unit of shape (one standard deviation of the population).
        posedirs: [778, 3, 135] displacement per element of (R_1 - I, ..., R_15 - I), row-major.
        J_regressor: [16, 778] joint positions as combinations of vertices.
        weights: [778, 16] skin weights; every row sums to one.
        kintree_table: [2, 16] parent of each joint (-1 for the wrist) and the joint itself.
        f: [1538, 3] triangles, wound so that normals point outward; the wrist is open.
        hands_components: [45, 45] orthonormal rows, principal components of the finger pose.
        hands_mean: [45] mean finger pose, axis-angle.
        side: which hand this is.
    """

    v_template: np.ndarray
    shapedirs: np.ndarray
    posedirs: np.ndarray
    J_regressor: np.ndarray
    weights: np.ndarray
    kintree_table: np.ndarray
    f: np.ndarray
    hands_components: np.ndarray
    hands_mean: np.ndarray
    side: Literal["right", "left"] = "right"

    @property
    def parents(self) -> tuple[int, ...]:
        """Parent of each of the 16 joints, -1 for the wrist."""
        return tuple(int(parent) for parent in self.kintree_table[0])

    @property
    def rest_joints(self) -> np.ndarray:
        """[16, 3] joint positions of the mean shape at rest."""
        return self.J_regressor @ self.v_template

    @property
    def tip_vertices(self) -> tuple[int, int, int, int, int]:
        """Vertices at the tips of thumb, index, middle, ring and pinky."""
        return TIP_VERTICES[self.side]


def load_mano_assets(path: Path | str) -> ManoAssets:
    """Read a hand model: `.pkl` as MANO's authors distribute it, or `.safetensors` as `save_mano_assets` writes it.

    Raises:
        HandFileError: the file is missing, of another format, incomplete or holds objects that are not allowed.
    """
    path = Path(path)
    if not path.is_file():
        raise HandFileError(
            f"There is no hand file {path}. Give the path of MANO_RIGHT.pkl or of a .safetensors hand, "
            "or leave it out to use the reference hand."
        )
    if path.suffix == ".safetensors":
        arrays, side = _read_safetensors(path)
    elif path.suffix == ".pkl":
        arrays, side = read_mano_pickle(path), "left" if "LEFT" in path.name.upper() else "right"
    else:
        raise HandFileError(f"{path} has the suffix {path.suffix!r}; a hand file is .pkl (MANO's own) or .safetensors.")
    return _checked_assets(arrays, side, path)


def save_mano_assets(assets: ManoAssets, path: Path | str) -> None:
    """Write a hand model to a `.safetensors` file under MANO's key names, in single precision."""
    from safetensors.numpy import save_file

    arrays = {}
    for name in ARRAY_SHAPES:
        dtype = np.int32 if name in INTEGER_ARRAYS else np.float32
        arrays[name] = np.ascontiguousarray(getattr(assets, name), dtype=dtype)
    metadata = {"format": FORMAT_NAME, "version": FORMAT_VERSION, "side": assets.side}
    save_file(arrays, str(path), metadata=metadata)


def _read_safetensors(path: Path) -> tuple[dict[str, np.ndarray], str]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(str(path), framework="numpy") as file:
            metadata = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
    except SafetensorError as error:
        raise HandFileError(f"{path} cannot be read as safetensors ({error}); copy the file again.") from error
    if (metadata.get("format"), metadata.get("version")) != (FORMAT_NAME, FORMAT_VERSION):
        raise HandFileError(
            f"{path} is not a hand file of format {FORMAT_NAME!r} version {FORMAT_VERSION}: its metadata is "
            f"{json.dumps(metadata)}. Write it with save_mano_assets."
        )
    return arrays, metadata.get("side", "right")


def _checked_assets(arrays: dict[str, np.ndarray], side: str, path: Path) -> ManoAssets:
    if side not in TIP_VERTICES:
        raise HandFileError(f"{path} is for the side {side!r}; expected 'right' or 'left'.")
    checked = {}
    for name, shape in ARRAY_SHAPES.items():
        if name not in arrays:
            raise HandFileError(f"{path} lacks {name!r}; a hand file holds {', '.join(ARRAY_SHAPES)}.")
        array = np.asarray(arrays[name])
        if array.shape != shape:
            raise HandFileError(f"{path}: {name!r} has shape {array.shape}, expected {shape}.")
        if array.dtype.kind not in "fiu":
            raise HandFileError(f"{path}: {name!r} holds {array.dtype} values, expected numbers.")
        if not np.isfinite(array).all():
            raise HandFileError(f"{path}: {name!r} holds values that are not finite; copy the file again.")
        if name in INTEGER_ARRAYS:
            # MANO marks "no parent" by the largest 32-bit number.
            checked[name] = array.astype(np.int64).astype(np.uint32).astype(np.int32).astype(np.int64)
        else:
            checked[name] = array.astype(np.float64)
    _check_topology(checked, path)
    return ManoAssets(**checked, side="left" if side == "left" else "right")


def _check_topology(arrays: dict[str, np.ndarray], path: Path) -> None:
    faces, parents = arrays["f"], arrays["kintree_table"][0]
    if faces.min() < 0 or faces.max() >= NUM_VERTICES:
        raise HandFileError(f"{path}: 'f' points outside the {NUM_VERTICES} vertices.")
    expected_parents = np.full(NUM_JOINTS, -1)
    for chain in FINGER_CHAINS.values():
        expected_parents[list(chain)] = (0, *chain[:-1])
    if not np.array_equal(parents, expected_parents):
        raise HandFileError(f"{path}: 'kintree_table' has the parents {parents.tolist()}, not MANO's tree.")
