"""Reads MANO's pickled models without running what a pickle could ask to be run.

MANO's files were pickled by Python 2 and hold chumpy objects, SciPy matrices and NumPy arrays. Only these, mapped to
inert stand-ins or rebuilt here, are let in; any other global is refused by name.
"""

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from funcgrasp_core.errors import HandFileError


class _StandIn:
    """Takes the place of a class of a foreign package: keeps the pickled state and does nothing."""

    kind = ""
    state: dict[str, Any]

    def __new__(cls, *_arguments: Any) -> "_StandIn":
        """Make an empty one whatever the arguments; a pickle may build objects without __init__."""
        stand_in = object.__new__(cls)
        stand_in.state = {}
        return stand_in

    def __setstate__(self, state: Any) -> None:
        self.state = state if isinstance(state, dict) else {}


def read_mano_pickle(path: Path) -> dict[str, np.ndarray]:
    """Read the arrays of a MANO pickle by their keys; sparse matrices become dense, other entries are left out.

    Raises:
        HandFileError: the file is no pickle of a dictionary, or refers to a global that is not allowed.
    """
    try:
        with path.open("rb") as file:
            content = unpickle_arrays(file)
    except HandFileError as error:
        raise HandFileError(f"{path}: {error}") from error
    except Exception as error:  # A damaged pickle can raise nearly anything.
        raise HandFileError(f"{path} cannot be read as a pickle ({error}); copy MANO's file again.") from error
    if not isinstance(content, dict):
        raise HandFileError(f"{path} holds a {type(content).__name__}, expected MANO's dictionary of arrays.")
    arrays = {}
    for key, value in content.items():
        if isinstance(value, np.ndarray | _StandIn):
            arrays[str(key)] = _array_of(value, f"{path}: {key!r}")
    return arrays


def unpickle_arrays(file: BinaryIO) -> Any:
    """The content of a pickle of NumPy arrays and plain containers, from the file's present position.

    Raises:
        HandFileError: it refers to a global that is not allowed; nothing was run.
        Exception: the pickle is damaged, which can raise nearly anything.
    """
    return _AllowListedUnpickler(file, encoding="latin1").load()


class _AllowListedUnpickler(pickle.Unpickler):
    def find_class(self, module_name: str, global_name: str) -> Any:
        package = module_name.split(".")[0]
        if package == "chumpy" or (module_name.startswith("scipy.sparse") and global_name.endswith("_matrix")):
            return type(f"_StandIn_{global_name}", (_StandIn,), {"kind": f"{package}.{global_name}"})
        allowed = _ALLOWED_GLOBALS.get((_PRESENT_NAMES.get(module_name, module_name), global_name))
        if allowed is None:
            raise HandFileError(
                f"the pickle asks for {module_name}.{global_name}, which no hand model needs; it was refused and "
                "nothing was run. Use the file as MANO's authors distribute it."
            )
        return allowed


def _reconstruct_stand_in(stand_in_class: Any, base: Any, _state: Any) -> _StandIn:
    """What pickles of old protocols call to make an object of a plain class."""
    if base is not object or not (isinstance(stand_in_class, type) and issubclass(stand_in_class, _StandIn)):
        raise HandFileError(f"the pickle builds an object of {stand_in_class!r} that no hand model needs; refused.")
    return stand_in_class()


def _encode_latin1(text: str, encoding: str = "latin1") -> bytes:
    """What Python 3 pickles of protocol 2 call to rebuild bytes."""
    if encoding not in ("latin1", "latin-1"):
        raise HandFileError(f"the pickle encodes text as {encoding!r}; only latin1 is expected.")
    return text.encode("latin1")


# NumPy moved these functions between versions; its own objects name the present ones.
_NUMPY_RECONSTRUCT: Any = np.zeros(1).__reduce__()[0]
_NUMPY_FROM_BUFFER: Any = np.zeros(1).__reduce_ex__(5)[0]
_NUMPY_SCALAR: Any = np.float64(0).__reduce__()[0]

_PRESENT_NAMES = {
    "copy_reg": "copyreg",
    "__builtin__": "builtins",
    "numpy.core.multiarray": "numpy._core.multiarray",
    "numpy.core.numeric": "numpy._core.numeric",
}
"""Modules that Python 3 or NumPy 2 renamed."""

_ALLOWED_GLOBALS: dict[tuple[str, str], Callable[..., Any] | type] = {
    ("numpy._core.multiarray", "_reconstruct"): _NUMPY_RECONSTRUCT,
    ("numpy._core.numeric", "_frombuffer"): _NUMPY_FROM_BUFFER,
    ("numpy._core.multiarray", "scalar"): _NUMPY_SCALAR,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("copyreg", "_reconstructor"): _reconstruct_stand_in,
    ("_codecs", "encode"): _encode_latin1,
    ("builtins", "object"): object,
    ("builtins", "set"): set,
}


def _array_of(value: Any, where: str) -> np.ndarray:
    """The array that a pickled value stands for."""
    if isinstance(value, np.ndarray):
        return value
    if not isinstance(value, _StandIn):
        raise HandFileError(f"{where} is a {type(value).__name__} where an array was expected.")
    try:
        if value.kind.startswith("scipy."):
            return _dense_matrix(value)
        if value.kind == "chumpy.Ch":
            return np.asarray(value.state["x"])
        if value.kind == "chumpy.Select":
            flat = _array_of(value.state["a"], where).ravel()[np.asarray(value.state["idxs"], dtype=np.int64)]
            return flat.reshape(value.state["preferred_shape"]) if "preferred_shape" in value.state else flat
    except (KeyError, ValueError, IndexError, TypeError) as error:
        raise HandFileError(f"{where} is an incomplete {value.kind} ({error!r}); copy MANO's file again.") from error
    raise HandFileError(f"{where} is a {value.kind}, of which the value cannot be read; use MANO's original file.")


def _dense_matrix(matrix: _StandIn) -> np.ndarray:
    from scipy import sparse

    state = matrix.state
    shape = state["_shape"] if "_shape" in state else state["shape"]
    if matrix.kind == "scipy.coo_matrix":
        coordinates = state["coords"] if "coords" in state else (state["row"], state["col"])
        return sparse.coo_matrix((state["data"], coordinates), shape=shape).toarray()
    builders = {"scipy.csc_matrix": sparse.csc_matrix, "scipy.csr_matrix": sparse.csr_matrix}
    return builders[matrix.kind]((state["data"], state["indices"], state["indptr"]), shape=shape).toarray()
