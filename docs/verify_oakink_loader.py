r"""Compares this project's OakInk-Shape reader with OakInk's own loader, `oikit.oi_shape.OakInkShape`.

    python docs/verify_oakink_loader.py --oakink-checkout OakInk --manotorch-checkout manotorch \
        --data /tmp/shape --generate

The checkouts are clones of https://github.com/oakink/OakInk and https://github.com/lixiny/manotorch, which are never
part of this repository; `--data` is a `shape` folder, with `--generate` written anew and with every case that the
loader knows. Both read every split, intent and mesh resolution; ids, intents, splits, subjects, files, hands and object
meshes must agree, lengths to 1e-5 m. Prints a table and ends with code 1 where anything differs.

OakInk's loader is run as it is. What it imports and does not install everywhere is stood in for: pytorch3d, which is
imported but not called; the reader of MANO's pickle, which gives the arrays of this project's reference hand; and,
without `--manotorch-checkout`, manotorch's ManoLayer, by this project's hand layer with what manotorch documents for it
(axis-angle pose, flat mean, joint `center_idx` at the origin).
"""

import argparse
import importlib
import os
import subprocess
import sys
import tempfile
import types
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from funcgrasp_core.contracts import INTENTS
from funcgrasp_core.errors import DatasetError, FuncGraspError
from funcgrasp_core.hand.mano_assets import ARRAY_SHAPES, NUM_SHAPE
from funcgrasp_core.hand.mano_layer import ManoLayer
from training.data.oakink_example import write_example_tree
from training.data.oakink_index import (
    GraspRecord,
    find_grasps,
    find_mesh,
    read_centred_mesh,
    read_hand_vector,
    read_object_names,
)
from training.data.oakink_layout import ALIGNED_FOLDERS, INTENT_CODES, OAKINK_CATEGORIES, SPLITS
from training.data.oakink_reading import OakInkReading

TOLERANCE_M = 1e-5
_HANDS_AT_ONCE = 256
_FOREIGN = ("oikit", "manotorch", "mano", "pytorch3d")
_PICKLE_READER = "mano.webuser.smpl_handpca_wrapper_HAND_only"

_NOTHING_READ = "need at least one array to stack"
"""What OakInk's loader ends with where there is no grasp."""

_CENTRE_JOINT = 9
"""OakInk's loader hands out this joint's position as the translation of the hand."""


class ManoOutput(NamedTuple):
    """The part of manotorch's output that OakInk's loader uses."""

    verts: torch.Tensor
    joints: torch.Tensor


class StandInManoLayer:
    """manotorch's ManoLayer as OakInk's loader calls it."""

    def __init__(self, center_idx: int | None = None, mano_assets_root: str = "", flat_hand_mean: bool = True):
        self.layer = ManoLayer(center_idx=center_idx, flat_hand_mean=flat_hand_mean)
        self.th_faces = self.layer.faces

    def __call__(self, pose: torch.Tensor, shape: torch.Tensor) -> ManoOutput:
        """Poses hands [B, 48], [B, 10], a few at once."""
        batches = zip(pose.split(_HANDS_AT_ONCE), shape.split(_HANDS_AT_ONCE), strict=True)
        posed = [self.layer(*batch) for batch in batches]
        return ManoOutput(torch.cat([hand.vertices for hand in posed]), torch.cat([hand.joints for hand in posed]))


class AnyFunction(types.ModuleType):
    """A module whose functions can be imported but not called."""

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("__"):
            raise AttributeError(name)

        def refuse(*_arguments: Any) -> None:
            raise NotImplementedError(f"{self.__name__}.{name} is a stand-in")

        return refuse


class HandArray(np.ndarray):
    """An array with the attributes that manotorch expects of MANO's pickled chumpy and SciPy objects."""

    @property
    def r(self) -> np.ndarray:
        """The values."""
        return np.asarray(self)

    def toarray(self) -> np.ndarray:
        """The values."""
        return np.asarray(self)


def reference_hand_arrays(_pickle: str) -> dict[str, np.ndarray]:
    """What manotorch's `ready_arguments` reads from MANO's pickle, of the reference hand."""
    hand = ManoLayer().assets
    arrays = {name: np.asarray(getattr(hand, name)).view(HandArray) for name in ARRAY_SHAPES}
    return {**arrays, "betas": np.zeros(NUM_SHAPE).view(HandArray)}


def stand_in_modules(with_manotorch: bool) -> dict[str, types.ModuleType]:
    """The modules that are replaced by name."""
    modules = {
        name: types.ModuleType(name)
        for name in (
            *(("mano", "mano.webuser", _PICKLE_READER) if with_manotorch else ("manotorch", "manotorch.manolayer")),
            "pytorch3d",
        )
    }
    modules["pytorch3d.transforms"] = AnyFunction("pytorch3d.transforms")
    if with_manotorch:
        modules[_PICKLE_READER].ready_arguments = reference_hand_arrays  # type: ignore[attr-defined]
    else:
        layers = modules["manotorch.manolayer"]
        layers.ManoLayer, layers.MANOOutput = StandInManoLayer, ManoOutput  # type: ignore[attr-defined]
    return modules


@dataclass(frozen=True)
class Toolkit:
    """OakInk's loader, ready to run.

    Attributes:
        module: `oikit.oi_shape.oi_shape`.
        mano_root: what is given to it as the folder of MANO.
    """

    module: Any
    mano_root: str


@contextmanager
def oakink_toolkit(checkout: Path, data: Path, manotorch_checkout: Path | None = None) -> Iterator[Toolkit]:
    """OakInk's loader, importable inside, with OAKINK_DIR set so that it reads `data`; nothing stays behind."""
    if not (checkout / "oikit" / "oi_shape" / "oi_shape.py").is_file():
        raise DatasetError(f"{checkout} is no checkout of OakInk: clone https://github.com/oakink/OakInk there")
    if manotorch_checkout is not None and not (manotorch_checkout / "manotorch" / "manolayer.py").is_file():
        raise DatasetError(
            f"{manotorch_checkout} is no checkout of manotorch: clone https://github.com/lixiny/manotorch there"
        )
    stand_ins = stand_in_modules(with_manotorch=manotorch_checkout is not None)
    modules, path, environment = dict(sys.modules), list(sys.path), dict(os.environ)
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "shape").symlink_to(data.resolve())
        (Path(folder) / "models").mkdir()
        (Path(folder) / "models" / "MANO_RIGHT.pkl").touch()  # manotorch only looks whether it is there
        os.environ["OAKINK_DIR"] = folder
        sys.modules.update(stand_ins)
        sys.path[:0] = [str(place.resolve()) for place in (checkout, manotorch_checkout) if place is not None]
        try:
            yield Toolkit(importlib.import_module("oikit.oi_shape.oi_shape"), folder)
        finally:
            sys.path[:] = path
            os.environ.clear()
            os.environ.update(environment)
            for name in [name for name in sys.modules if name.split(".")[0] in _FOREIGN]:
                del sys.modules[name]
            sys.modules.update({name: module for name, module in modules.items() if name.split(".")[0] in _FOREIGN})


@dataclass
class Comparison:
    """What was compared in one reading, and how far the two loaders differ."""

    title: str
    num_theirs: int = 0
    num_ours: int = 0
    num_virtual: int = 0
    num_unlike: int = 0
    hand_m: float = 0.0
    object_m: float = 0.0
    first_difference: str = ""

    @property
    def agrees(self) -> bool:
        """Whether nothing differs by more than the tolerance."""
        return (
            self.num_theirs == self.num_ours
            and self.num_unlike == 0
            and self.hand_m <= TOLERANCE_M
            and self.object_m <= TOLERANCE_M
        )

    def blame(self, difference: str) -> None:
        """Counts a difference; the first is shown."""
        self.num_unlike += 1
        self.first_difference = self.first_difference or difference


def compare(toolkit: Toolkit, data: Path, split: str, intents: Sequence[str], mesh_folder: str) -> Comparison:
    """One reading by both loaders."""
    read = "all intents" if len(intents) == len(INTENTS) else " ".join(intents)
    result = Comparison(f"{split}, {read}, {mesh_folder}")
    reading = OakInkReading(
        categories=tuple(OAKINK_CATEGORIES),
        intents=tuple(intents),
        with_virtual=True,
        handover="paired",
        mesh_folder=mesh_folder,
    )
    ours = {record.hand_file.relative_to(data).as_posix(): record for record in find_grasps(data, split, reading)}
    theirs: dict[str, dict[str, Any]] = {}
    try:
        theirs = _their_grasps(toolkit, split, intents, mesh_folder == ALIGNED_FOLDERS[1])
    except Exception as error:  # OakInk's loader meets what it does not expect with any kind of error.
        if ours or _NOTHING_READ not in str(error):
            result.blame(f"OakInk's loader fails on this tree: {error!r}")
    result.num_ours, result.num_theirs = len(ours), len(theirs)
    for path in sorted(ours.keys() ^ theirs.keys()):
        result.blame(f"{path} is read only by {'this project' if path in ours else 'OakInk'}")
    shared = sorted(ours.keys() & theirs.keys())
    result.num_virtual = sum(ours[path].is_virtual for path in shared)
    _compare_fields(result, ours, theirs, shared)
    _compare_hands(result, ours, theirs, shared)
    _compare_meshes(result, data, mesh_folder, ours, theirs, shared)
    return result


def _their_grasps(
    toolkit: Toolkit, split: str, intents: Sequence[str], use_downsample: bool
) -> dict[str, dict[str, Any]]:
    """OakInk's grasps by the path of the hand file, relative to the data."""
    loader = toolkit.module.OakInkShape(
        data_split=split,
        intent_mode=list(intents),
        mano_assets_root=toolkit.mano_root,
        use_cache=False,
        use_downsample_mesh=use_downsample,
    )
    grasps = [loader[index] for index in range(len(loader))]
    return {Path(grasp["file_path"]).relative_to(loader.data_dir).as_posix(): grasp for grasp in grasps}


def _compare_fields(result: Comparison, ours: dict, theirs: dict, shared: Sequence[str]) -> None:
    for path in shared:
        record: GraspRecord = ours[path]
        source, grasp = record.source, theirs[path]
        subjects = source.subjects.split("_") if source.intent == "handover" else [source.subjects, None]
        expected = {
            "cate_id": record.category,
            "obj_id": record.object_id,
            "is_virtual": record.is_virtual,
            "raw_obj_id": source.object_id,
            "action_id": INTENT_CODES[source.intent],
            "pass_stage": source.stage,
            "seq_ts": source.recorded_at,
            "subject_id": subjects[1 if source.is_receiver else 0],
            "subject_alt_id": subjects[0 if source.is_receiver else 1],
            "source": source.as_text(),
        }
        for key, value in expected.items():
            found = grasp[key].strip() if key == "source" else grasp[key]
            if found != value:
                result.blame(f"{path}: {key} is {found!r} for OakInk, {value!r} here")


def _compare_hands(result: Comparison, ours: dict, theirs: dict, shared: Sequence[str]) -> None:
    layer = ManoLayer()
    for start in range(0, len(shared), _HANDS_AT_ONCE):
        paths = shared[start : start + _HANDS_AT_ONCE]
        vectors = torch.from_numpy(np.stack([read_hand_vector(ours[path].hand_file) for path in paths]))
        hands = layer.from_vector(vectors)
        for key, values in (
            ("verts", hands.vertices),
            ("joints", hands.joints),
            ("hand_tsl", hands.joints[:, _CENTRE_JOINT]),
        ):
            their_values = np.stack([theirs[path][key] for path in paths])
            result.hand_m = max(result.hand_m, float(np.abs(values.numpy() - their_values).max()))


def _compare_meshes(
    result: Comparison, data: Path, mesh_folder: str, ours: dict, theirs: dict, shared: Sequence[str]
) -> None:
    names = read_object_names(data)
    for object_id, path in {ours[path].object_id: path for path in shared}.items():
        vertices, faces = read_centred_mesh(find_mesh(data, names, object_id, mesh_folder))
        grasp = theirs[path]
        if vertices.shape != grasp["obj_verts"].shape or not np.array_equal(faces, grasp["obj_faces"]):
            result.blame(f"object {object_id}: {vertices.shape} vertices here, {grasp['obj_verts'].shape} for OakInk")
        else:
            result.object_m = max(result.object_m, float(np.abs(vertices - grasp["obj_verts"]).max()))


def parse_arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Compare this project's OakInk-Shape reader with OakInk's own.")
    parser.add_argument("--oakink-checkout", type=Path, required=True, help="a clone of github.com/oakink/OakInk")
    parser.add_argument("--manotorch-checkout", type=Path, help="a clone of github.com/lixiny/manotorch, to pose hands")
    parser.add_argument("--data", type=Path, required=True, help="a shape folder; to be written with --generate")
    parser.add_argument("--generate", action="store_true", help="write a small tree first, with virtual objects")
    parser.add_argument(
        "--intents", nargs="+", choices=INTENTS, default=list(INTENTS), help="to compare (default: all)"
    )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the comparison and returns the exit code."""
    options = parse_arguments(arguments)
    try:
        if options.generate:
            if options.data.exists() and any(options.data.iterdir()):
                raise DatasetError(f"{options.data} is not empty: give a new folder to --generate")
            write_example_tree(options.data)
        with oakink_toolkit(options.oakink_checkout, options.data, options.manotorch_checkout) as toolkit:
            results = [*_compare_tables(toolkit.module), *_compare_all(toolkit, options.data, options.intents)]
    except FuncGraspError as error:
        print(error, file=sys.stderr)
        return 2
    print(f"\nOakInk toolkit at commit {_commit(options.oakink_checkout)}")
    manotorch = options.manotorch_checkout
    poser = "a stand-in for manotorch" if manotorch is None else f"manotorch at commit {_commit(manotorch)}"
    print(f"hands posed by {poser}\n")
    print("| reading | OakInk's grasps | ours | virtual | unlike | hands, m | objects, m | |")
    print("|---|---|---|---|---|---|---|---|")
    for result in results:
        print(
            f"| {result.title} | {result.num_theirs} | {result.num_ours} | {result.num_virtual} | {result.num_unlike} "
            f"| {result.hand_m:.1e} | {result.object_m:.1e} | {'equal' if result.agrees else 'DIFFERENT'} |"
        )
    different = [result for result in results if not result.agrees]
    for result in different:
        print(f"{result.title}: {result.first_difference or 'lengths differ'}", file=sys.stderr)
    return 1 if different or not any(result.num_theirs for result in results) else 0


def _compare_tables(module: Any) -> Iterator[Comparison]:
    """Lists of names that both have written down."""
    for title, theirs, ours in (
        ("categories", list(module.ALL_CAT), list(OAKINK_CATEGORIES)),
        ("intents", list(module.ALL_INTENT.items()), list(INTENT_CODES.items())),
        ("splits", list(module.ALL_SPLIT), list(SPLITS)),
    ):
        result = Comparison(f"names of {title}", len(theirs), len(ours))
        if theirs != ours:
            result.blame(f"{theirs} for OakInk, {ours} here")
        yield result


def _compare_all(toolkit: Toolkit, data: Path, intents: Sequence[str]) -> Iterator[Comparison]:
    has_coarse = any(data.glob(f"*/*/{ALIGNED_FOLDERS[1]}"))
    for mesh_folder in ALIGNED_FOLDERS[: 2 if has_coarse else 1]:
        for split in SPLITS:
            yield compare(toolkit, data, split, intents, mesh_folder)
    for intent in intents if len(intents) > 1 else ():
        yield compare(toolkit, data, SPLITS[0], [intent], ALIGNED_FOLDERS[0])


def _commit(checkout: Path) -> str:
    command = ["git", "-C", str(checkout), "rev-parse", "HEAD"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return result.stdout.strip() if result.returncode == 0 else "unknown (no git checkout)"


if __name__ == "__main__":
    sys.exit(main())
