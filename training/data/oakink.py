"""OakInk-Shape as a torch data set: one grasp with its object's cloud, views, contact and an instruction a sample."""

import logging
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch.utils.data import Dataset
from tqdm import tqdm

from funcgrasp_core.errors import ConfigurationError, DatasetError
from funcgrasp_core.hand.mano_layer import HandLayer, ManoLayer
from training.data.augmentation import turn_vectors
from training.data.broken_files import BrokenFile, BrokenFiles
from training.data.grasp_sample import SampleSettings, grasp_sample
from training.data.oakink_index import (
    GraspRecord,
    find_grasps,
    find_mesh,
    read_centred_mesh,
    read_hand_vector,
    read_object_names,
)
from training.data.oakink_layout import ALIGNED_FOLDERS, META_FOLDER, SPLITS
from training.data.oakink_reading import DEFAULT_READING, OakInkReading
from training.data.object_settings import choose_object_settings
from training.data.stored_objects import (
    CLOUDS_FOLDER,
    STORED_CLOUD_SIZE,
    object_cloud_seed,
    read_cloud,
    read_views,
    sample_object_cloud,
)
from training.data.up_axis import turn_to_z_up
from training.data.view_rendering import VIEW_YAWS_DEG, views_folder

_LOG = logging.getLogger(__name__)


class OakInkShapeDataset(Dataset):
    """Grasps of one split, in the planning frame: the mesh's, its box centred, turned so that z is up.

    Args:
        root: the data set's `shape` folder.
        split: "train", "val" or "test"; test also uses the phrasings that are kept for testing.
        num_points: N of every sample's cloud.
        hand_layer: poses the hands; the reference hand by default.
        reading: which grasps are read, from which meshes, their up axis, and what happens to broken files.
        origin: centre of the box of "cloud" (what a model sees) or of the whole "mesh".
        yaw_deg: turn of every sample about z: of its views (which must be rendered at this yaw), cloud and hand.
        views_required: False gives samples without `object_images` where none are rendered.
        seed: of the choice of points and of instructions, together with the epoch.

    Attributes:
        records: the grasps, as they are indexed.
        broken_files: what was left out and why, which is logged as well; empty where broken files are refused.

    Raises:
        DatasetError: the folder has another layout, nothing is left to read, the views were rendered with another up
            axis, or a file is broken and refused. Refused files are met when they are read; files to be skipped are
            all read here.
    """

    def __init__(
        self,
        root: Path | str,
        split: str,
        num_points: int = 1024,
        hand_layer: HandLayer | None = None,
        reading: OakInkReading = DEFAULT_READING,
        origin: Literal["cloud", "mesh"] = "cloud",
        yaw_deg: int = 0,
        views_required: bool = True,
        seed: int = 0,
    ):
        if split not in SPLITS:
            raise ConfigurationError(f"split must be one of {', '.join(SPLITS)}, not '{split}'")
        if not 0 < num_points <= STORED_CLOUD_SIZE:
            raise ConfigurationError(f"num_points must be in 1..{STORED_CLOUD_SIZE}, got {num_points}")
        self.root, self.split, self.reading = Path(root), split, reading
        self.yaw_deg, self.views_required, self.seed = yaw_deg, views_required, seed
        self.sample = SampleSettings(num_points, origin, yaw_deg)
        self.epoch = 0
        self.hand_layer = ManoLayer() if hand_layer is None else hand_layer
        self._broken = BrokenFiles(reading.on_broken)
        self.records = find_grasps(self.root, split, reading, self._broken)
        self._settings = choose_object_settings(self.root, reading.up_axis, reading.mesh_folder)
        self._turn = turn_to_z_up(self._settings.up_axis)
        self._names = read_object_names(self.root)
        self._clouds: dict[str, np.ndarray] = {}
        if reading.on_broken == "skip":
            self._leave_out_broken()
        for broken in self._broken:
            _LOG.warning("%s: left out: %s", split, broken)
        if not self.records:
            lost = f"; {len(self._broken)} files are broken:\n{self._broken.summary()}" if len(self._broken) else ""
            raise DatasetError(
                f"{self.root} has no grasp of split '{split}' and categories {reading.categories or 'all'}{lost}"
            )

    def __len__(self) -> int:
        return len(self.records)

    @property
    def broken_files(self) -> tuple[BrokenFile, ...]:
        """What was left out and why."""
        return tuple(self._broken)

    def set_epoch(self, epoch: int) -> None:
        """Chooses other points and instructions."""
        self.epoch = epoch

    def vector(self, record: GraspRecord) -> np.ndarray:
        """The MANO vector [61] of a grasp, not turned by the yaw."""
        vector = read_hand_vector(record.hand_file)
        if self._settings.up_axis == "z":
            return vector
        return turn_vectors(torch.from_numpy(vector), torch.from_numpy(self._turn)).numpy()

    def cloud(self, object_id: str) -> np.ndarray:
        """Surface points [STORED_CLOUD_SIZE, 3] of an object, not turned by the yaw; kept once read."""
        if object_id not in self._clouds:
            stored = self.root / CLOUDS_FOLDER / f"{object_id}.npy"
            points = read_cloud(stored) if stored.is_file() else self._sample_cloud(object_id)
            self._clouds[object_id] = points @ self._turn.T
        return self._clouds[object_id]

    def mesh(self, object_id: str) -> tuple[np.ndarray, np.ndarray]:
        """Vertices [V, 3] and faces [F, 3] of an object, not turned by the yaw."""
        vertices, faces = self._stored_mesh(object_id)
        return vertices @ self._turn.T, faces

    def views(self, object_id: str, yaw_deg: int | None = None) -> dict[str, np.ndarray]:
        """The rendered views [S, S, 3] uint8 of an object by slot, at this yaw or the data set's own.

        Raises:
            DatasetError: a view is missing or unreadable, and views are required.
        """
        folder = views_folder(self.root, object_id, self.yaw_deg if yaw_deg is None else yaw_deg)
        return read_views(folder, self.views_required, self.rendering_command)

    @property
    def rendering_command(self) -> str:
        """The command that renders all views which this data set needs."""
        settings = self._settings
        options = [
            *(["--with-virtual"] if self.reading.with_virtual else []),
            *([f"--up-axis={settings.up_axis}"] if settings.up_axis != "z" else []),
            *(["--mesh-folder", settings.mesh_folder] if settings.mesh_folder != ALIGNED_FOLDERS[0] else []),
        ]
        return " ".join([f"python -m training.data.render_object_views --data {self.root}", *options])

    def __getitem__(self, index: int) -> dict[str, Any]:
        generator = np.random.default_rng((self.seed, self.epoch, index))
        return grasp_sample(self, self.records[index], self.sample, generator)

    def _stored_mesh(self, object_id: str) -> tuple[np.ndarray, np.ndarray]:
        return read_centred_mesh(find_mesh(self.root, self._names, object_id, self._settings.mesh_folder))

    def _sample_cloud(self, object_id: str) -> np.ndarray:
        return sample_object_cloud(*self._stored_mesh(object_id), object_cloud_seed(object_id))

    def _leave_out_broken(self) -> None:
        """Reads everything once and keeps the grasps of which all files can be read."""
        usable_objects = set()
        object_ids = sorted({record.object_id for record in self.records})
        yaws = {self.yaw_deg, *VIEW_YAWS_DEG} if self.views_required else {self.yaw_deg}
        for object_id in tqdm(object_ids, desc=f"{self.split}: checking objects", unit="object"):
            with self._broken.reading(self._cloud_file(object_id)):
                self.cloud(object_id)
                with self._broken.reading(views_folder(self.root, object_id, self.yaw_deg).parent):
                    for yaw_deg in sorted(yaws):
                        self.views(object_id, yaw_deg)
                    usable_objects.add(object_id)
        kept = []
        for record in tqdm(self.records, desc=f"{self.split}: checking grasps", unit="grasp"):
            with self._broken.reading(record.hand_file):
                read_hand_vector(record.hand_file)
                if record.object_id in usable_objects:
                    kept.append(record)
        self.records = kept

    def _cloud_file(self, object_id: str) -> Path:
        """What a broken cloud is blamed on: the stored cloud, or the folder of the mesh."""
        stored = self.root / CLOUDS_FOLDER / f"{object_id}.npy"
        if stored.is_file() or object_id not in self._names:
            return stored if stored.is_file() else self.root / META_FOLDER
        return self.root.joinpath(*self._names[object_id], self._settings.mesh_folder)
