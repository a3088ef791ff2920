"""Writes a hand the way MANO's authors pickled theirs: Python 2, chumpy objects, a SciPy matrix."""

import io
import pickle
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
from scipy.sparse import csc_matrix

from funcgrasp_core.hand.mano_assets import ManoAssets

# The pure-Python pickler is the one whose byte strings can be redirected.
PurePickler: Any = pickle._Pickler


class Python2Pickler(PurePickler):
    """Writes bytes as Python 2 wrote its strings."""

    dispatch: ClassVar[dict[type, Any]] = dict(PurePickler.dispatch)

    def save_python2_string(self, content: bytes) -> None:
        self.write(pickle.BINSTRING + struct.pack("<i", len(content)) + content)
        self.memoize(content)

    dispatch[bytes] = save_python2_string


@contextmanager
def fake_chumpy() -> Iterator[tuple[type, type]]:
    """Modules chumpy.ch and chumpy.reordering with the two classes that MANO's files hold."""
    ch_module, reordering_module = ModuleType("chumpy.ch"), ModuleType("chumpy.reordering")
    ch_class = type("Ch", (), {"__module__": "chumpy.ch"})
    select_class = type("Select", (), {"__module__": "chumpy.reordering"})
    ch_module.Ch, reordering_module.Select = ch_class, select_class  # pyright: ignore[reportAttributeAccessIssue]
    fakes = {"chumpy": ModuleType("chumpy"), "chumpy.ch": ch_module, "chumpy.reordering": reordering_module}
    before = {name: sys.modules.get(name) for name in fakes}
    sys.modules.update(fakes)
    try:
        yield ch_class, select_class
    finally:
        for name, module in before.items():
            if module is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module


def official_pickle(assets: ManoAssets, protocol: int = 2, **changes: Any) -> bytes:
    """The bytes of a pickle in MANO's layout; `changes` replace or add entries."""
    with fake_chumpy() as (ch_class, select_class):
        parents = assets.kintree_table.astype(np.int64).astype(np.uint32)
        content = {
            "v_template": assets.v_template,
            "shapedirs": _select(ch_class, select_class, assets.shapedirs),
            "posedirs": _ch(ch_class, assets.posedirs),
            "J_regressor": csc_matrix(assets.J_regressor),
            "weights": assets.weights,
            "kintree_table": parents,
            "f": assets.f.astype(np.uint32),
            "hands_components": assets.hands_components,
            "hands_mean": assets.hands_mean,
            "bs_style": "lbs",
            "bs_type": "lrotmin",
        }
        stream = io.BytesIO()
        Python2Pickler(stream, protocol=protocol, fix_imports=True).dump({**content, **changes})
    written = stream.getvalue().replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n")
    return written.replace(b"cscipy.sparse._csc\n", b"cscipy.sparse.csc\n")


def _ch(ch_class: type, array: np.ndarray) -> Any:
    leaf = ch_class()
    leaf.x, leaf._dirty_vars, leaf._itr = array, set(), None
    return leaf


def _select(ch_class: type, select_class: type, array: np.ndarray) -> Any:
    """A selection that picks the array's numbers, in order, out of a longer and shuffled one."""
    places = np.random.default_rng(0).permutation(array.size + 7)[: array.size]
    longer = np.zeros(array.size + 7)
    longer[places] = array.ravel()
    selection = select_class()
    selection.a, selection.idxs, selection.preferred_shape = _ch(ch_class, longer), places, array.shape
    return selection
