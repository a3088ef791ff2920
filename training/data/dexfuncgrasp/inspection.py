"""Inspects a DexFuncGrasp folder: every world, mesh, cloud and view that a training would read."""

from collections import Counter
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from funcgrasp_core.contracts import VIEW_SLOTS
from funcgrasp_core.errors import DatasetError
from funcgrasp_core.geometry.contact_field import per_part_distances
from funcgrasp_core.hand.hand_parts import vertex_part_labels
from funcgrasp_core.hand.mano_layer import ManoLayer
from training.data.broken_files import BrokenFile, BrokenFiles
from training.data.dexfuncgrasp.index import (
    ShadowGrasp,
    find_object_mesh,
    find_shadow_grasps,
    read_instances,
    read_upright_mesh,
    read_world,
)
from training.data.dexfuncgrasp.layout import GRASPS_FOLDER, OBJECT_LIST_FILE, OBJECTS_FOLDER, PACKED_FOLDER
from training.data.dexfuncgrasp.object_grasps import read_object_grasps, retargeting_job, upright_cloud
from training.data.dexfuncgrasp.retargeting import HandRetargeter
from training.data.dexfuncgrasp.retargeting_store import STORE_FOLDER
from training.data.dexfuncgrasp.shadow_hand import joint_limits
from training.data.grasping_hand import GraspingHand
from training.data.layout_inspection import InspectedGrasp, LayoutReport, folder_size, show_unlike_grasps
from training.data.oakink_layout import SPLITS
from training.data.stored_objects import CLOUDS_FOLDER, read_cloud, read_view
from training.data.view_rendering import RENDERS_FOLDER, VIEW_YAWS_DEG, views_folder

_PICTURE_POINTS = 1024
_LIMIT_TOLERANCE_RAD = 0.02


class DexFuncGraspInspector:
    """Knows DexFuncGrasp's layout; see `LayoutInspector`."""

    name = "DexFuncGrasp (Shadow Hand, read as MANO by retargeting)"
    root_description = f"the folder that holds {OBJECTS_FOLDER} and {GRASPS_FOLDER} (or {PACKED_FOLDER})"

    def recognises(self, root: Path) -> bool:
        """Whether the list of objects or both of the layout's folders are there."""
        has_list = (root / OBJECTS_FOLDER / OBJECT_LIST_FILE).is_file()
        has_grasps = (root / GRASPS_FOLDER).is_dir() or (root / PACKED_FOLDER).is_dir()
        return has_list or ((root / OBJECTS_FOLDER).is_dir() and has_grasps)

    def inspect(self, root: Path) -> LayoutReport:
        """Reads everything once."""
        return _Inspection(root).report()

    def sample_grasps(self, root: Path, num_samples: int, seed: int) -> list[InspectedGrasp]:
        """Readable grasps of different objects, first of different categories; each is retargeted for the picture."""
        grasps = find_shadow_grasps(root, "all", broken=BrokenFiles("skip"))
        layer = ManoLayer()
        retargeter = HandRetargeter(GraspingHand(layer))
        return show_unlike_grasps(
            grasps,
            (lambda grasp: grasp.category, lambda grasp: grasp.object_id),
            lambda grasp: grasp.file,
            lambda grasp: _show(root, grasp, retargeter, layer),
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
        self.command = f"python -m training.data.dexfuncgrasp.prepare --data {root}"

    def report(self) -> LayoutReport:
        """Everything that was found."""
        instances: dict[str, list[str]] = {}
        with self.broken.reading(self.root / OBJECTS_FOLDER / OBJECT_LIST_FILE):
            instances = read_instances(self.root)
        grasps: list[ShadowGrasp] = []
        if not (self.root / GRASPS_FOLDER).is_dir() and not (self.root / PACKED_FOLDER).is_dir():
            self._miss(self.root / GRASPS_FOLDER, f"it (or {PACKED_FOLDER}) holds the grasps")
        elif instances:
            grasps = find_shadow_grasps(self.root, "all", broken=self.broken)
        readable = self._read_worlds(grasps)
        self._read_objects(readable)
        self._note_retargeting()
        return LayoutReport(
            DexFuncGraspInspector.name,
            self.root,
            {
                "objects in the list": sum(len(names) for names in instances.values()),
                "objects with grasps": len({grasp.object_id for grasp in readable}),
                "grasps": len(readable),
                "  annotated": sum(not grasp.is_transferred for grasp in readable),
                "  transferred": sum(grasp.is_transferred for grasp in readable),
            },
            _tabulate(readable),
            tuple(self.missing),
            tuple(self.broken),
            {
                name: folder_size(self.root / name)
                for name in (OBJECTS_FOLDER, GRASPS_FOLDER, PACKED_FOLDER, STORE_FOLDER, CLOUDS_FOLDER, RENDERS_FOLDER)
            },
            tuple(self.notes),
        )

    def _read_worlds(self, grasps: list[ShadowGrasp]) -> list[ShadowGrasp]:
        lower, upper = (limit.numpy() for limit in joint_limits())
        readable, num_outside = [], 0
        for grasp in tqdm(grasps, desc="grasps", unit="grasp"):
            with self.broken.reading(grasp.file):
                angles = read_world(grasp).dof_values
                beyond = np.maximum(lower - angles, angles - upper).max()
                num_outside += bool(beyond > _LIMIT_TOLERANCE_RAD)
                readable.append(grasp)
        if num_outside:
            self.notes.append(f"{num_outside} grasps have a joint beyond Shadow's limits; they are read as they are")
        return readable

    def _read_objects(self, grasps: list[ShadowGrasp]) -> None:
        of_object: dict[str, ShadowGrasp] = {grasp.object_id: grasp for grasp in grasps}
        num_views_missing = 0
        for object_id, grasp in tqdm(sorted(of_object.items()), desc="objects", unit="object"):
            try:
                mesh_file = find_object_mesh(self.root, grasp.category, grasp.instance)
            except DatasetError as error:
                self._miss(self.root / OBJECTS_FOLDER / grasp.category, str(error))
                continue
            with self.broken.reading(mesh_file):
                read_upright_mesh(mesh_file, grasp.category)
            cloud = self.root / CLOUDS_FOLDER / f"{object_id}.npy"
            if cloud.is_file():
                with self.broken.reading(cloud):
                    read_cloud(cloud)
            for yaw_deg in VIEW_YAWS_DEG:
                for slot in VIEW_SLOTS:
                    path = views_folder(self.root, object_id, yaw_deg) / f"{slot}.png"
                    num_views_missing += not path.is_file()
                    if path.is_file():
                        with self.broken.reading(path):
                            read_view(path, self.command)
        if num_views_missing:
            self._miss(self.root / RENDERS_FOLDER, f"{num_views_missing} views are not there: {self.command}")

    def _note_retargeting(self) -> None:
        folder = self.root / STORE_FOLDER
        stores = sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
        if not stores:
            self.notes.append(
                "no grasp is retargeted yet: training.data.dexfuncgrasp.prepare does it, or the first use"
            )
        for store in stores:
            num_objects = sum(1 for _ in store.rglob("*.safetensors"))
            self.notes.append(f"{store} holds the retargeted grasps of {num_objects} objects")

    def _miss(self, path: Path, reason: str) -> None:
        self.missing.append(BrokenFile(path, reason))


def _tabulate(grasps: list[ShadowGrasp]) -> dict[str, dict[str, int]]:
    splits = Counter(grasp.split for grasp in grasps)
    objects = Counter(split for _, split in {(grasp.object_id, grasp.split) for grasp in grasps})
    return {
        "grasps by category": dict(sorted(Counter(grasp.category for grasp in grasps).items())),
        "grasps by split": {split: splits[split] for split in SPLITS},
        "objects by split": {split: objects[split] for split in SPLITS},
    }


def _show(root: Path, grasp: ShadowGrasp, retargeter: HandRetargeter, layer: ManoLayer) -> InspectedGrasp:
    found = read_object_grasps(root, [grasp], BrokenFiles("refuse"))
    assert found is not None  # broken files are refused
    job = retargeting_job(found)
    hands = retargeter(job.targets, job.object_points[None])
    mesh = read_upright_mesh(found.mesh_file, grasp.category)
    points = upright_cloud(mesh, grasp.object_id)[:_PICTURE_POINTS]
    with torch.no_grad():
        vertices = layer.from_vector(hands.vectors).vertices
        distances = per_part_distances(torch.from_numpy(points)[None], vertices, vertex_part_labels(layer.assets))[0]
    residual_mm = float(hands.tip_errors.mean()) * 1000
    return InspectedGrasp(
        f"{grasp.object_id}: Shadow Hand retargeted, fingertips {residual_mm:.1f} mm off",
        mesh.vertices,
        mesh.faces,
        points,
        distances.numpy(),
        vertices[0].numpy(),
        layer.closed_faces.numpy(),
    )
