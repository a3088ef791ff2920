"""DexFuncGrasp as a torch data set of MANO grasps: each is a Shadow Hand's, retargeted, and says so."""

import logging
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from torch.utils.data import Dataset
from tqdm import tqdm

from funcgrasp_core.errors import ConfigurationError, DatasetError
from funcgrasp_core.hand.mano_layer import HandLayer, ManoLayer
from training.data.broken_files import BrokenFile, BrokenFiles
from training.data.dexfuncgrasp.hand_shape_fit import shape_like_shadow_hand
from training.data.dexfuncgrasp.index import (
    ShadowGrasp,
    UprightMesh,
    find_object_mesh,
    find_shadow_grasps,
    read_upright_mesh,
)
from training.data.dexfuncgrasp.layout import INTENT, make_object_id, shared_category
from training.data.dexfuncgrasp.object_grasps import ObjectGrasps, read_object_grasps, retargeting_job, upright_cloud
from training.data.dexfuncgrasp.reading import DexFuncGraspReading
from training.data.dexfuncgrasp.retargeting import HandRetargeter, RetargetedHands
from training.data.dexfuncgrasp.retargeting_store import STORE_FOLDER, RetargetingJob, RetargetingStore
from training.data.grasp_reader import LOST_CONTACT_M, RetargetedGraspRecord
from training.data.grasp_sample import SampleSettings, grasp_sample
from training.data.grasping_hand import GraspingHand
from training.data.oakink_index import GraspRecord
from training.data.oakink_layout import SPLITS, GraspSource
from training.data.stored_objects import CLOUDS_FOLDER, STORED_CLOUD_SIZE, read_cloud, read_views
from training.data.view_rendering import VIEW_YAWS_DEG, views_folder

_LOG = logging.getLogger(__name__)

_SOURCE = "DexFuncGrasp, Shadow Hand retargeted to MANO, fingertip residual {residual_mm:.1f} mm"


class DexFuncGraspDataset(Dataset):
    """Grasps of one split as MANO hands; see `GraspReader` for the frame.

    What was never retargeted with this hand and these settings is retargeted here, once, and kept in the data set's
    folder; `training.data.dexfuncgrasp.prepare` does it beforehand.

    Args:
        root: the folder that holds Obj_Data and Grasps.
        split: "train", "val" or "test" by object, or "all".
        hand_layer: the hand to retarget to; the reference hand by default.
        reading: which grasps are read, and what happens to broken and to poorly matching ones.
        sample: how samples are made.
        views_required: False gives samples without `object_images` where none are rendered.
        seed: of the choice of points and of instructions, together with the epoch.
        show_progress: bars while retargeting.

    Attributes:
        records: the grasps.
        poor_records: those left out because their fingertips do not fit.

    Raises:
        DatasetError: the folder has another layout, nothing is left to read, or a file is broken and refused.
    """

    def __init__(
        self,
        root: Path | str,
        split: str,
        hand_layer: HandLayer | None = None,
        reading: DexFuncGraspReading | None = None,
        sample: SampleSettings | None = None,
        views_required: bool = True,
        seed: int = 0,
        show_progress: bool = True,
    ):
        if split not in ("all", *SPLITS):
            raise ConfigurationError(f"split must be all, {', '.join(SPLITS)}, not '{split}'")
        reading, sample = reading or DexFuncGraspReading(), sample or SampleSettings()
        if sample.num_points > STORED_CLOUD_SIZE:
            raise ConfigurationError(f"num_points must be at most {STORED_CLOUD_SIZE}, got {sample.num_points}")
        self.root, self.split, self.reading, self.sample = Path(root), split, reading, sample
        self.views_required, self.seed, self.epoch = views_required, seed, 0
        self.hand_layer: HandLayer = ManoLayer() if hand_layer is None else hand_layer
        self._broken = BrokenFiles(reading.on_broken)
        self._places: dict[str, tuple[str, str]] = {}
        self._clouds: dict[str, np.ndarray] = {}
        self._vectors: dict[str, np.ndarray] = {}
        self.records: list[RetargetedGraspRecord] = []
        self.poor_records: list[RetargetedGraspRecord] = []
        self._read_all(show_progress)
        for broken in self._broken:
            _LOG.warning("%s: left out: %s", split, broken)
        if self.poor_records:
            _LOG.warning(
                "%s: left out: %d grasps whose fingertips are off by more than %.0f mm after retargeting, such as %s",
                split,
                len(self.poor_records),
                reading.max_fingertip_residual_m * 1000,
                self.poor_records[0].grasp_id,
            )
        if not self.records:
            lost = f"; {len(self._broken)} files are broken:\n{self._broken.summary()}" if len(self._broken) else ""
            raise DatasetError(
                f"{self.root} has no usable grasp of split '{split}' and categories {reading.categories or 'all'}"
                f" ({len(self.poor_records)} were retargeted too poorly){lost}"
            )

    def __len__(self) -> int:
        return len(self.records)

    @property
    def broken_files(self) -> tuple[BrokenFile, ...]:
        """What was left out and why."""
        return tuple(self._broken)

    @property
    def object_ids(self) -> list[str]:
        """Of all objects that have a grasp here, sorted."""
        return sorted({record.object_id for record in self.records})

    def set_epoch(self, epoch: int) -> None:
        """Chooses other points and instructions."""
        self.epoch = epoch

    def vector(self, record: GraspRecord) -> np.ndarray:
        """The MANO vector [61] of a grasp."""
        return self._vectors[record.grasp_id]

    def cloud(self, object_id: str) -> np.ndarray:
        """Surface points [STORED_CLOUD_SIZE, 3] of an object; stored ones if there are, kept once read."""
        if object_id not in self._clouds:
            stored = self.root / CLOUDS_FOLDER / f"{object_id}.npy"
            points = read_cloud(stored) if stored.is_file() else upright_cloud(self._upright_mesh(object_id), object_id)
            self._clouds[object_id] = points
        return self._clouds[object_id]

    def mesh(self, object_id: str) -> tuple[np.ndarray, np.ndarray]:
        """Vertices [V, 3] and faces [F, 3] of an object."""
        mesh = self._upright_mesh(object_id)
        return mesh.vertices, mesh.faces

    def views(self, object_id: str, yaw_deg: int | None = None) -> dict[str, np.ndarray]:
        """The rendered views [S, S, 3] uint8 of an object by slot, at this yaw or the samples' own."""
        folder = views_folder(self.root, object_id, self.sample.yaw_deg if yaw_deg is None else yaw_deg)
        command = f"python -m training.data.dexfuncgrasp.prepare --data {self.root}"
        return read_views(folder, self.views_required, command)

    def __getitem__(self, index: int) -> dict[str, Any]:
        generator = np.random.default_rng((self.seed, self.epoch, index))
        return grasp_sample(self, self.records[index], self.sample, generator)

    def _upright_mesh(self, object_id: str) -> UprightMesh:
        category, instance = self._places[object_id]
        return read_upright_mesh(find_object_mesh(self.root, category, instance), category)

    def _read_all(self, show_progress: bool) -> None:
        reading = self.reading
        of_object: dict[str, list[ShadowGrasp]] = defaultdict(list)
        for grasp in find_shadow_grasps(
            self.root, self.split, reading.categories, reading.with_transferred, self._broken
        ):
            of_object[grasp.object_id].append(grasp)
            self._places[grasp.object_id] = grasp.category, grasp.instance
        store = RetargetingStore(self.root / STORE_FOLDER, self._retargeter())
        readable: list[ObjectGrasps] = []
        pending: list[RetargetingJob] = []
        for object_id, grasps in tqdm(of_object.items(), "reading", unit="object", disable=not show_progress):
            found = read_object_grasps(self.root, grasps, self._broken)
            if found is None:
                continue
            with self._broken.reading(found.mesh_file):
                if store.read(object_id, found.digests) is None:
                    pending.append(retargeting_job(found))
                readable.append(found)
        store.complete(pending, show_progress)
        for found in readable:
            hands = store.read(found.grasps[0].object_id, found.digests)
            if hands is None:
                raise DatasetError(f"{store.folder} lost what was just written: is another process deleting it?")
            if reading.on_broken == "refuse" or self._can_be_seen(found.grasps[0].object_id):
                self._add_records(found, hands)

    def _can_be_seen(self, object_id: str) -> bool:
        """Whether cloud and pictures can be read; what cannot is written down."""
        before = len(self._broken)
        with self._broken.reading(self.root / CLOUDS_FOLDER / f"{object_id}.npy"):
            self.cloud(object_id)
        yaws = {self.sample.yaw_deg, *VIEW_YAWS_DEG} if self.views_required else {self.sample.yaw_deg}
        with self._broken.reading(views_folder(self.root, object_id, self.sample.yaw_deg).parent):
            for yaw_deg in sorted(yaws):
                self.views(object_id, yaw_deg)
        return len(self._broken) == before

    def _retargeter(self) -> HandRetargeter:
        layer = self.hand_layer if isinstance(self.hand_layer, ManoLayer) else ManoLayer(self.hand_layer.assets)
        shape = shape_like_shadow_hand(layer) if self.reading.hand_shape == "shadow" else None
        return HandRetargeter(GraspingHand(layer), self.reading.retargeting, shape)

    def _add_records(self, found: ObjectGrasps, hands: RetargetedHands) -> None:
        residuals = hands.tip_errors.mean(1).tolist()
        lost = hands.touching & (hands.contact_gaps > LOST_CONTACT_M)
        for row, (grasp, residual) in enumerate(zip(found.grasps, residuals, strict=True)):
            stage = _SOURCE.format(residual_mm=residual * 1000)
            source = GraspSource(stage, make_object_id(grasp.category, grasp.annotated_instance), INTENT, "", "")
            record = RetargetedGraspRecord(
                shared_category(grasp.category, grasp.instance),
                grasp.object_id,
                grasp.grasp_id,
                source,
                grasp.file,
                fingertip_residual_m=residual,
                palm_residual_m=float(hands.palm_errors[row]),
                num_contacts=int(hands.touching[row].sum()),
                num_lost_contacts=int(lost[row].sum()),
                penetration_m=float(hands.penetrations[row]),
            )
            if residual > self.reading.max_fingertip_residual_m:
                self.poor_records.append(record)
            else:
                self.records.append(record)
                self._vectors[grasp.grasp_id] = hands.vectors[row].numpy()
