"""OakInk-Shape as a torch data set: one grasp with its object's cloud, views, contact and an instruction a sample."""

import math
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from PIL import Image
from torch.utils.data import Dataset

from funcgrasp_core.contracts import CONTACT_THRESHOLD_M, NO_CONTACT_LABEL, VIEW_SLOTS
from funcgrasp_core.errors import ConfigurationError, DatasetError
from funcgrasp_core.geometry.contact_field import hard_contact_labels, per_part_distances
from funcgrasp_core.geometry.rotations import rotation_about_z
from funcgrasp_core.hand.hand_parts import vertex_part_labels
from funcgrasp_core.hand.mano_layer import HandLayer, ManoLayer
from funcgrasp_core.preprocessing.file_inputs import sample_mesh
from training.data.augmentation import turn_vectors
from training.data.instruction_phrasing import phrase
from training.data.oakink_index import (
    GraspRecord,
    find_grasps,
    find_mesh,
    read_centred_mesh,
    read_hand_vector,
    read_object_names,
)
from training.data.oakink_layout import SPLITS
from training.data.view_rendering import views_folder

STORED_CLOUD_SIZE = 4096
"""Surface points of an object that samples choose from."""

CLOUDS_FOLDER = "clouds"


class OakInkShapeDataset(Dataset):
    """Grasps of one split.

    Args:
        root: the data set's `shape` folder.
        split: "train", "val" or "test"; test also uses the phrasings that are kept for testing.
        num_points: N of every sample's cloud.
        hand_layer: poses the hands; the reference hand by default.
        categories: to read; None reads all.
        with_virtual: also read grasps that were transferred to virtual objects.
        origin: centre of the box of "cloud" (what a model sees) or of the whole "mesh".
        yaw_deg: turn of every sample about z: of its views (which must be rendered at this yaw), cloud and hand.
        views_required: False gives samples without `object_images` where none are rendered.
        seed: of the choice of points and of instructions, together with the epoch.
    """

    def __init__(
        self,
        root: Path | str,
        split: str,
        num_points: int = 1024,
        hand_layer: HandLayer | None = None,
        categories: Sequence[str] | None = None,
        with_virtual: bool = False,
        origin: Literal["cloud", "mesh"] = "cloud",
        yaw_deg: int = 0,
        views_required: bool = True,
        seed: int = 0,
    ):
        if split not in SPLITS:
            raise ConfigurationError(f"split must be one of {', '.join(SPLITS)}, not '{split}'")
        if not 0 < num_points <= STORED_CLOUD_SIZE:
            raise ConfigurationError(f"num_points must be in 1..{STORED_CLOUD_SIZE}, got {num_points}")
        self.root, self.split, self.num_points = Path(root), split, num_points
        self.origin, self.yaw_deg, self.views_required, self.seed = origin, yaw_deg, views_required, seed
        self.epoch = 0
        self.hand_layer = ManoLayer() if hand_layer is None else hand_layer
        self.records = find_grasps(self.root, split, categories, with_virtual)
        if not self.records:
            raise DatasetError(f"{self.root} has no grasp of split '{split}' and categories {categories or 'all'}")
        self._names = read_object_names(self.root)
        self._part_labels = vertex_part_labels(self.hand_layer.assets)
        self._clouds: dict[str, np.ndarray] = {}

    def __len__(self) -> int:
        return len(self.records)

    def set_epoch(self, epoch: int) -> None:
        """Chooses other points and instructions."""
        self.epoch = epoch

    def vector(self, record: GraspRecord) -> np.ndarray:
        """The MANO vector [61] of a grasp in the frame of its object's mesh, not turned."""
        return read_hand_vector(record.hand_file)

    def cloud(self, object_id: str) -> np.ndarray:
        """Surface points [STORED_CLOUD_SIZE, 3] of an object, not turned, its mesh's box centred; kept once read."""
        if object_id not in self._clouds:
            stored = self.root / CLOUDS_FOLDER / f"{object_id}.npy"
            self._clouds[object_id] = read_cloud(stored) if stored.is_file() else self._sample_cloud(object_id)
        return self._clouds[object_id]

    def views(self, object_id: str, yaw_deg: int | None = None) -> dict[str, np.ndarray]:
        """The rendered views [S, S, 3] uint8 of an object by slot, at this yaw or the data set's own.

        Raises:
            DatasetError: a view is missing or unreadable, and views are required.
        """
        folder = views_folder(self.root, object_id, self.yaw_deg if yaw_deg is None else yaw_deg)
        views = {}
        for slot in VIEW_SLOTS:
            path = folder / f"{slot}.png"
            if not path.is_file() and not self.views_required:
                continue
            try:
                with Image.open(path) as image:
                    views[slot] = np.asarray(image.convert("RGB"))
            except OSError as error:
                raise DatasetError(f"{path} is missing or damaged: render the views of this object again") from error
        return views

    def __getitem__(self, index: int) -> dict[str, Any]:
        record = self.records[index]
        turn = rotation_about_z(torch.tensor(math.radians(self.yaw_deg)))
        vector = torch.from_numpy(self.vector(record))
        if self.yaw_deg != 0:
            vector = turn_vectors(vector, turn)
        generator = np.random.default_rng((self.seed, self.epoch, index))
        chosen = generator.choice(STORED_CLOUD_SIZE, self.num_points, replace=False)
        points = torch.from_numpy(self.cloud(record.object_id)[chosen]) @ turn.T
        centre = (points.amin(dim=0) + points.amax(dim=0)) / 2 if self.origin == "cloud" else torch.zeros(3)
        points, translation = points - centre, vector[58:] - centre
        placed = torch.cat([vector[:58], translation])
        with torch.no_grad():
            vertices = self.hand_layer.from_vector(placed[None]).vertices
            distances = per_part_distances(points[None], vertices, self._part_labels)[0]
        labels = hard_contact_labels(distances, CONTACT_THRESHOLD_M)
        intent = record.source.intent
        phrasing_split = "test" if self.split == "test" else "train"
        return {
            "instruction": phrase(record.category, intent, phrasing_split, seed=int(generator.integers(2**31))),
            "mano_pose": vector[:48],
            "mano_shape": vector[48:58],
            "mano_trans": translation,
            "obj_points": points,
            "per_finger_distances": distances,
            "contact_labels": labels,
            "contact_mask": labels != NO_CONTACT_LABEL,
            "object_images": self.views(record.object_id),
            "category": record.category,
            "intent": intent,
            "object_id": record.object_id,
            "grasp_id": record.grasp_id,
        }

    def _sample_cloud(self, object_id: str) -> np.ndarray:
        vertices, faces = read_centred_mesh(find_mesh(self.root, self._names, object_id))
        return sample_object_cloud(vertices, faces, seed=zlib.crc32(object_id.encode()))


def sample_object_cloud(vertices: np.ndarray, faces: np.ndarray, seed: int) -> np.ndarray:
    """Random points [STORED_CLOUD_SIZE, 3] float32, uniform over the area of a mesh."""
    import trimesh

    mesh = trimesh.Trimesh(vertices, faces, process=False)
    return sample_mesh(mesh, STORED_CLOUD_SIZE, seed).astype(np.float32)


def read_cloud(path: Path) -> np.ndarray:
    """A stored cloud [STORED_CLOUD_SIZE, 3] float32."""
    try:
        points = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path} cannot be read as a NumPy array ({error})") from error
    if points.shape != (STORED_CLOUD_SIZE, 3) or not np.isfinite(points).all():
        raise DatasetError(f"{path}: expected {STORED_CLOUD_SIZE} finite points, found shape {points.shape}")
    return points.astype(np.float32)
