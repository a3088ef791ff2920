"""Inspects an OakInk-Shape folder: every hand file, source, mesh, cloud and view that a training would read."""

from collections import Counter
from pathlib import Path

import torch
from tqdm import tqdm

from funcgrasp_core.contracts import VIEW_SLOTS
from funcgrasp_core.errors import DatasetError
from funcgrasp_core.geometry.contact_field import per_part_distances
from funcgrasp_core.hand.hand_parts import vertex_part_labels
from funcgrasp_core.hand.mano_layer import ManoLayer
from training.data.augmentation import turn_vectors
from training.data.broken_files import BrokenFile, BrokenFiles
from training.data.layout_inspection import InspectedGrasp, LayoutReport, folder_size, show_unlike_grasps
from training.data.oakink_index import (
    GraspRecord,
    check_object_size,
    find_grasps,
    find_mesh,
    grasp_folders,
    read_centred_mesh,
    read_hand_vector,
    read_object_names,
)
from training.data.oakink_layout import (
    GRASPS_FOLDER,
    META_FOLDER,
    OAKINK_CATEGORIES,
    OBJECT_NAMES_FILE,
    OBJECTS_FOLDER,
    SOURCE_FILE,
    SPLITS,
    VIRTUAL_OBJECT_NAMES_FILE,
    VIRTUAL_OBJECTS_FOLDER,
    split_of,
)
from training.data.oakink_reading import OakInkReading
from training.data.object_settings import ObjectSettings, read_object_settings
from training.data.stored_objects import CLOUDS_FOLDER, object_cloud_seed, read_cloud, read_view, sample_object_cloud
from training.data.up_axis import turn_to_z_up
from training.data.upright_axis import upright_axis, vote_for_up_axis
from training.data.view_rendering import RENDERS_FOLDER, VIEW_YAWS_DEG, views_folder

_EVERYTHING = OakInkReading(with_virtual=True, handover="all", on_broken="skip")
_FOLDERS = (GRASPS_FOLDER, META_FOLDER, OBJECTS_FOLDER, VIRTUAL_OBJECTS_FOLDER)
_PICTURE_POINTS = 1024


class OakInkInspector:
    """Knows OakInk-Shape, the layout of OakInk and of the procedural data set; see `LayoutInspector`."""

    name = "OakInk-Shape"
    root_description = f"the folder that holds {', '.join(_FOLDERS)} (OakInk's is named 'shape')"

    def recognises(self, root: Path) -> bool:
        """Whether at least two of the layout's folders are there."""
        return sum((root / folder).is_dir() for folder in _FOLDERS) >= 2

    def inspect(self, root: Path) -> LayoutReport:
        """Reads everything once; takes minutes for the whole of OakInk."""
        return _Inspection(root).report()

    def sample_grasps(self, root: Path, num_samples: int, seed: int) -> list[InspectedGrasp]:
        """Readable grasps, first of different categories, then intents, then objects; broken ones are passed over."""
        settings = _settings_of(root) or ObjectSettings()
        names = read_object_names(root)
        records = find_grasps(root, "all", _EVERYTHING, BrokenFiles("skip"))
        keys = (
            lambda record: (record.category, record.is_virtual),
            lambda record: (record.category, record.source.intent),
            lambda record: record.object_id,
            lambda record: record.hand_file,
        )
        return show_unlike_grasps(
            records,
            keys,
            lambda record: record.hand_file,
            lambda record: _show(root, names, record, settings),
            num_samples,
            seed,
        )


class _Inspection:
    """One pass over a folder."""

    def __init__(self, root: Path):
        self.root = root
        self.broken = BrokenFiles("skip")
        self.missing: list[BrokenFile] = []
        self.notes: list[str] = []
        self.settings = ObjectSettings()

    def report(self) -> LayoutReport:
        """Everything that was found."""
        self._find_missing_folders()
        with self.broken.reading(self.root / RENDERS_FOLDER):
            self.settings = read_object_settings(self.root) or self.settings
        names: dict[str, tuple[str, str]] = {}
        with self.broken.reading(self.root / META_FOLDER):
            names = read_object_names(self.root)
        records = self._read_grasps()
        category_of = {record.object_id: record.category for record in records}
        self._read_meshes(names, category_of)
        self._read_clouds_and_views(sorted(category_of), {r.object_id for r in records if r.is_virtual})
        self._note_unknown_folders(records)
        return LayoutReport(
            OakInkInspector.name,
            self.root,
            _count(records, names),
            _tabulate(records),
            tuple(self.missing),
            tuple(self.broken),
            {name: folder_size(self.root / name) for name in (*_FOLDERS, CLOUDS_FOLDER, RENDERS_FOLDER)},
            tuple(self.notes),
        )

    def _find_missing_folders(self) -> None:
        for folder, content in (
            (GRASPS_FOLDER, "the grasps"),
            (META_FOLDER, "the names of objects"),
            (OBJECTS_FOLDER, "the meshes of real objects"),
        ):
            if not (self.root / folder).is_dir():
                self._miss(self.root / folder, f"it holds {content}")
        for table in (OBJECT_NAMES_FILE, VIRTUAL_OBJECT_NAMES_FILE):
            path = self.root / META_FOLDER / table
            if (self.root / META_FOLDER).is_dir() and not path.is_file():
                self._miss(path, "it names the mesh folder of every object")

    def _read_grasps(self) -> list[GraspRecord]:
        if not (self.root / GRASPS_FOLDER).is_dir():
            return []
        for folder in grasp_folders(self.root):
            if not (folder / SOURCE_FILE).is_file():
                self._miss(folder / SOURCE_FILE, "it says what the grasp is for; the grasp cannot be read without it")
        sources = BrokenFiles("skip")
        records = find_grasps(self.root, "all", _EVERYTHING, sources)
        for file in sources:
            if file.path.is_file():
                self.broken.add(file)
        readable = []
        for record in tqdm(records, desc="grasps", unit="grasp"):
            if not record.hand_file.is_file():
                self._miss(record.hand_file, "it holds the hand of the grasp")
                continue
            with self.broken.reading(record.hand_file):
                read_hand_vector(record.hand_file)
                readable.append(record)
        return readable

    def _read_meshes(self, names: dict[str, tuple[str, str]], category_of: dict[str, str]) -> None:
        axes = []
        for object_id in tqdm(sorted(category_of), desc="meshes", unit="object"):
            if object_id not in names:
                self._miss(self.root / META_FOLDER, f"no table names object {object_id}, which has grasps")
                continue
            place = self.root.joinpath(*names[object_id], self.settings.mesh_folder)
            if not place.is_dir():
                self._miss(place, f"it holds the mesh of object {object_id}")
                continue
            with self.broken.reading(place):
                mesh = find_mesh(self.root, names, object_id, self.settings.mesh_folder)
                vertices, _ = read_centred_mesh(mesh)
                check_object_size(vertices, mesh)
                axes.append(upright_axis(vertices, category_of[object_id]))
        vote = vote_for_up_axis(axes)
        if vote is not None:
            axis, votes, told = vote
            self.notes.append(
                f"up axis: {votes} of {told} round objects that tell stand along {axis}; this folder is read with "
                f"{self.settings.up_axis}"
                + ("" if axis == self.settings.up_axis else f", so render the views with --up-axis={axis}")
            )

    def _read_clouds_and_views(self, object_ids: list[str], virtual: set[str]) -> None:
        command = f"python -m training.data.render_object_views --data {self.root}"
        for group, option in ((False, ""), (True, " --with-virtual")):
            ids = [object_id for object_id in object_ids if (object_id in virtual) == group]
            if not ids:
                continue
            without = [object_id for object_id in ids if not (self.root / RENDERS_FOLDER / object_id).is_dir()]
            if len(without) == len(ids):
                self._miss(self.root / RENDERS_FOLDER, f"no view of {len(ids)} objects: {command}{option}")
                continue
            for object_id in tqdm(ids, desc="clouds and views", unit="object"):
                self._read_object(object_id, command + option)

    def _read_object(self, object_id: str, command: str) -> None:
        cloud = self.root / CLOUDS_FOLDER / f"{object_id}.npy"
        if cloud.is_file():
            with self.broken.reading(cloud):
                read_cloud(cloud)
        num_missing = 0
        for yaw_deg in VIEW_YAWS_DEG:
            for slot in VIEW_SLOTS:
                path = views_folder(self.root, object_id, yaw_deg) / f"{slot}.png"
                num_missing += not path.is_file()
                if path.is_file():
                    with self.broken.reading(path):
                        read_view(path, command)
        if num_missing:
            self._miss(self.root / RENDERS_FOLDER / object_id, f"{num_missing} views are not there: {command}")

    def _note_unknown_folders(self, records: list[GraspRecord]) -> None:
        others = sorted({record.category for record in records} - set(OAKINK_CATEGORIES))
        if others:
            self.notes.append(f"categories that OakInk's own loader does not know: {', '.join(others)}")
        if (self.root / GRASPS_FOLDER).is_dir():
            known = set(grasp_folders(self.root))
            strange = [path for path in (self.root / GRASPS_FOLDER).glob("*/*/*") if path not in known]
            if strange:
                self.notes.append(f"{len(strange)} entries are named unlike grasps and not read, such as {strange[0]}")

    def _miss(self, path: Path, reason: str) -> None:
        self.missing.append(BrokenFile(path, reason))


def _count(records: list[GraspRecord], names: dict[str, tuple[str, str]]) -> dict[str, int]:
    virtual = [record for record in records if record.is_virtual]
    real = [record for record in records if not record.is_virtual]
    return {
        "objects with grasps": len({record.object_id for record in records}),
        "  real": len({record.object_id for record in real}),
        "  virtual": len({record.object_id for record in virtual}),
        "objects with a name": len(names),
        "grasps": len(records),
        "  recorded on real objects": len(real),
        "  transferred to virtual": len(virtual),
    }


def _tabulate(records: list[GraspRecord]) -> dict[str, dict[str, int]]:
    intents = Counter(
        f"{record.source.intent}{' (receiving)' if record.source.is_receiver else ''}" for record in records
    )
    splits = Counter(split_of(record.object_id) for record in records)
    objects = Counter(split_of(object_id) for object_id in {record.object_id for record in records})
    return {
        "grasps by category": dict(sorted(Counter(record.category for record in records).items())),
        "grasps by intent": dict(sorted(intents.items())),
        "grasps by split": {split: splits[split] for split in SPLITS},
        "objects by split": {split: objects[split] for split in SPLITS},
    }


def _settings_of(root: Path) -> ObjectSettings | None:
    try:
        return read_object_settings(root)
    except DatasetError:
        return None


def _show(
    root: Path, names: dict[str, tuple[str, str]], record: GraspRecord, settings: ObjectSettings
) -> InspectedGrasp:
    turn = turn_to_z_up(settings.up_axis)
    vertices, faces = read_centred_mesh(find_mesh(root, names, record.object_id, settings.mesh_folder))
    points = sample_object_cloud(vertices, faces, object_cloud_seed(record.object_id))[:_PICTURE_POINTS] @ turn.T
    layer = ManoLayer()
    vector = turn_vectors(torch.from_numpy(read_hand_vector(record.hand_file)), torch.from_numpy(turn))
    with torch.no_grad():
        hand = layer.from_vector(vector[None]).vertices
        distances = per_part_distances(torch.from_numpy(points)[None], hand, vertex_part_labels(layer.assets))[0]
    kind = "virtual object" if record.is_virtual else "object"
    return InspectedGrasp(
        f"{record.category}, {record.source.intent}: {kind} {record.object_id}, grasp {record.grasp_id}",
        vertices @ turn.T,
        faces,
        points,
        distances.numpy(),
        hand[0].numpy(),
        layer.closed_faces.numpy(),
    )
