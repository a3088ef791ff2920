"""Data sets by name: `procedural`, a folder, or a weighted mixture such as `oakink:/data/oakink:0.7,procedural:0.3`."""

import dataclasses
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from tqdm import tqdm

from funcgrasp_core.errors import ConfigurationError, DatasetError, MissingDependencyError
from funcgrasp_core.hand.mano_layer import HandLayer
from training.data.block_cache import CACHE_FOLDER, BlockCache
from training.data.build_store import GraspSet, StoreSettings, build_store
from training.data.dexfuncgrasp.dataset import DexFuncGraspDataset
from training.data.dexfuncgrasp.inspection import DexFuncGraspInspector
from training.data.dexfuncgrasp.layout import OBJECTS_FOLDER
from training.data.frozen_grasps import load_frozen_grasps
from training.data.mixed_store import GraspStore, MixedStore
from training.data.oakink import OakInkShapeDataset
from training.data.oakink_layout import GRASPS_FOLDER
from training.data.procedural_dataset import is_complete, write_procedural_dataset
from training.data.view_feature_store import FrozenViewEncoder, store_view_features

PROCEDURAL_FOLDER = Path("data/procedural")
DEBUG_FOLDER = Path("data/procedural_debug")

DATA_VARIABLE = "DATA_ROOT"
"""Environment variable with the data to use where none is named."""


@dataclass(frozen=True)
class DataSource:
    """One data set of a mixture.

    Attributes:
        kind: its layout, a key of READERS.
        root: its folder.
        weight: its share of an epoch, in any unit.
    """

    kind: str
    root: Path
    weight: float = 1.0


def _open_oakink(root: Path, split: str, hand_layer: HandLayer | None) -> GraspSet:
    return OakInkShapeDataset(root, split, hand_layer=hand_layer)


def _open_dexfuncgrasp(root: Path, split: str, hand_layer: HandLayer | None) -> GraspSet:
    return DexFuncGraspDataset(root, split, hand_layer)


READERS: dict[str, Callable[[Path, str, HandLayer | None], GraspSet]] = {
    "oakink": _open_oakink,
    "dexfuncgrasp": _open_dexfuncgrasp,
}
"""What opens a split of a data set of each layout."""


def resolve_data(text: str | None = None, debug: bool = False) -> tuple[DataSource, ...]:
    """The data sets that a text names; the procedural one is made if it is not there yet.

    Args:
        text: comma-separated parts, each `procedural`, a folder, `procedural:WEIGHT` or `KIND:FOLDER[:WEIGHT]`; None
            takes what the environment variable DATA_ROOT says, or else `procedural`.
        debug: `procedural` means a small set with objects of all splits, in a folder of its own, made in seconds.

    Raises:
        ConfigurationError: the text has another form.
        DatasetError: a folder is no data set.
        MissingDependencyError: the procedural set is to be made and open3d or trimesh is not installed.
    """
    text = text or os.environ.get(DATA_VARIABLE) or "procedural"
    return tuple(_resolve_part(part.strip(), debug) for part in text.split(","))


def open_store(
    sources: Sequence[DataSource],
    split: str,
    settings: StoreSettings,
    cache_folder: Path | None = None,
    hand_layer: HandLayer | None = None,
    frozen_encoder: FrozenViewEncoder | None = None,
    device: torch.device | str = "cpu",
) -> GraspStore:
    """One split of the data sets.

    Args:
        sources: of `resolve_data`.
        split: "train", "val" or "test".
        settings: what the store keeps.
        cache_folder: of what is computed; by default a folder in each data set.
        hand_layer: whose grasps these are; the reference hand by default.
        frozen_encoder: stores with this one's features in place of pictures; None: stores with pictures.
        device: that the encoder is on.
    """
    if frozen_encoder is not None:
        settings = dataclasses.replace(settings, keep_pictures=False)
    stores = []
    for source in sources:
        cache = cache_of(source, cache_folder)
        store = build_store(READERS[source.kind](source.root, split, hand_layer), settings, cache)
        if frozen_encoder is not None:
            store = store_view_features(store, frozen_encoder, cache, device)
        stores.append(store)
    return stores[0] if len(stores) == 1 else MixedStore(stores, [source.weight for source in sources])


def cache_of(source: DataSource, cache_folder: Path | None = None) -> BlockCache:
    """Where the computed tensors of a data set are kept."""
    return BlockCache(source.root / CACHE_FOLDER if cache_folder is None else cache_folder)


def prepare_procedural(folder: Path, debug: bool = False) -> None:
    """Makes the procedural data set from the frozen grasps, or what is missing of it.

    Raises:
        MissingDependencyError: something is missing, and so is open3d or trimesh.
    """
    grasps = load_frozen_grasps()
    if debug:
        grasps = grasps.debug_subset()
    if is_complete(folder, grasps):
        return
    command = (
        f"python -m training.data.generate_procedural --output {folder} --from-frozen{' --debug' if debug else ''}"
    )
    tqdm.write(f"making the procedural data set in {folder}: {len(grasps.objects)} objects")
    try:
        write_procedural_dataset(folder, grasps)
    except (MissingDependencyError, ModuleNotFoundError) as error:
        raise MissingDependencyError(
            f"the procedural data set in {folder} is not complete, and to render it open3d and trimesh are needed: run "
            f"`{command}` where they are installed (pip install 'funcgrasp[scene]') and copy the folder here"
        ) from error
    except OSError as error:
        raise DatasetError(
            f"the procedural data set cannot be written to {folder} ({error}): make room, or make it elsewhere by "
            f"`{command}` and name its folder"
        ) from error


def _resolve_part(part: str, debug: bool) -> DataSource:
    kind, _, rest = part.partition(":")
    if kind == "procedural":
        folder = DEBUG_FOLDER if debug else PROCEDURAL_FOLDER
        weight = _weight(rest, part) if rest else 1.0
        prepare_procedural(folder, debug)
        return DataSource("oakink", folder, weight)
    if kind not in READERS:
        return DataSource(*_find_layout(Path(part)))
    place, separator, last = rest.rpartition(":")
    root, weight = (Path(place), _weight(last, part)) if separator else (Path(rest), 1.0)
    found, root = _find_layout(root)
    if found != kind:
        raise DatasetError(f"{root} has the layout of {found}, not of {kind}: name it `{found}:{root}`")
    return DataSource(kind, root, weight)


def _weight(text: str, part: str) -> float:
    try:
        weight = float(text)
    except ValueError:
        weight = 0.0
    if not 0 < weight < float("inf"):
        raise ConfigurationError(
            f"'{part}': expected KIND:FOLDER:WEIGHT with a positive weight and one of {', '.join(READERS)}, or "
            f"procedural:WEIGHT, got the weight '{text}'"
        )
    return weight


def _find_layout(folder: Path) -> tuple[str, Path]:
    """Kind and root of the data set in a folder."""
    for root in (folder, folder / "shape"):
        if (root / GRASPS_FOLDER).is_dir():
            return "oakink", root
    if DexFuncGraspInspector().recognises(folder):
        return "dexfuncgrasp", folder
    raise DatasetError(
        f"'{folder}' is no data set: expected a folder with {GRASPS_FOLDER} (OakInk-Shape) or {OBJECTS_FOLDER} "
        "(DexFuncGrasp), or the name `procedural`, of a set that is made here"
    )
