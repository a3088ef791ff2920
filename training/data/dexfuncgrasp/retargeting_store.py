"""Retargeted hands on disk, one file an object, found by the content of what they were made from.

A file lies in a folder named after hand model, settings and shape, and lists a digest of every grasp with its mesh: a
hand counts only while its digest is the same. Files are written whole, so an interrupted run goes on where it stopped.
"""

import hashlib
import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor
from tqdm import tqdm

from funcgrasp_core.hand.mano_assets import ARRAY_SHAPES, ManoAssets
from training.data.dexfuncgrasp.hand_keypoints import HandKeypoints
from training.data.dexfuncgrasp.retargeting import HandRetargeter, RetargetedHands
from training.data.oakink_writer import write_whole

STORE_FOLDER = "retargeted"
FORMAT_VERSION = 1
HANDS_AT_ONCE = 32

_DIGESTS_KEY = "digests"
_SETTINGS_FILE = "settings.json"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class RetargetingJob:
    """The grasps of one object.

    Attributes:
        object_id: names the file.
        digests: of each grasp with its mesh, see `grasp_digest`.
        targets: keypoints of the robot's hands in the object's frame.
        object_points: [N, 3] surface.
    """

    object_id: str
    digests: tuple[str, ...]
    targets: HandKeypoints
    object_points: Tensor


class RetargetingStore:
    """Keeps what a retargeter found.

    Args:
        folder: of all stores of a data set.
        retargeter: whose hand, settings and shape name this store.
    """

    def __init__(self, folder: Path, retargeter: HandRetargeter):
        self.retargeter = retargeter
        self._description = {
            "format": FORMAT_VERSION,
            "hand": hand_digest(retargeter.hand.layer.assets),
            "shape": [round(float(value), 6) for value in retargeter.shape],
            "settings": asdict(retargeter.settings),
        }
        text = json.dumps(self._description, sort_keys=True)
        self.folder = folder / hashlib.sha256(text.encode()).hexdigest()[:16]

    def read(self, object_id: str, digests: Sequence[str]) -> RetargetedHands | None:
        """The hands of these grasps in this order; None if one was never found or anything has changed."""
        path = self._path(object_id)
        if not path.is_file():
            return None
        try:
            with safe_open(path, framework="pt") as file:
                stored = json.loads((file.metadata() or {})[_DIGESTS_KEY])
                row_of = {digest: row for row, digest in enumerate(stored)}
                if not row_of.keys() >= set(digests):
                    return None
                rows = torch.tensor([row_of[digest] for digest in digests])
                names = [field.name for field in fields(RetargetedHands)]
                return RetargetedHands(**{name: file.get_tensor(name)[rows] for name in names})
        except (SafetensorError, KeyError, ValueError, OSError) as error:
            logger.warning("%s is damaged (%s): its grasps are retargeted again", path, error)
            return None

    def complete(self, jobs: Sequence[RetargetingJob], show_progress: bool = True) -> None:
        """Retargets the grasps of all jobs; each object's file is written as soon as its grasps are found."""
        if jobs:
            content = json.dumps(self._description, indent=1, sort_keys=True) + "\n"
            write_whole(self.folder / _SETTINGS_FILE, content.encode())
        total = sum(len(job.digests) for job in jobs)
        with tqdm(total=total, desc="retargeting", unit="grasp", disable=not show_progress) as progress:
            for batch in _batches(jobs):
                found = self._retarget(batch)
                start = 0
                for job in batch:
                    rows = slice(start, start + len(job.digests))
                    self._write(job, RetargetedHands(**{name: value[rows] for name, value in vars(found).items()}))
                    start = rows.stop
                progress.update(start)

    def _retarget(self, batch: Sequence[RetargetingJob]) -> RetargetedHands:
        """The hands of several jobs in a row, HANDS_AT_ONCE at a time."""
        targets = HandKeypoints(*(torch.cat(values) for values in zip(*(job.targets for job in batch), strict=True)))
        owner = torch.repeat_interleave(torch.tensor([len(job.digests) for job in batch]))
        points = torch.stack([job.object_points for job in batch])
        parts = []
        for start in range(0, len(owner), HANDS_AT_ONCE):
            rows = slice(start, start + HANDS_AT_ONCE)
            parts.append(self.retargeter(targets.rows(rows), points[owner[rows]]))
        return RetargetedHands.concatenate(parts)

    def _write(self, job: RetargetingJob, hands: RetargetedHands) -> None:
        tensors = {name: value.contiguous() for name, value in vars(hands).items()}
        metadata = {_DIGESTS_KEY: json.dumps(list(job.digests))}
        write_whole(self._path(job.object_id), save(tensors, metadata=metadata))

    def _path(self, object_id: str) -> Path:
        return self.folder / f"{object_id}.safetensors"


def grasp_digest(world: bytes, mesh_digest: str) -> str:
    """Differs whenever the content of the world file or of the mesh does."""
    return hashlib.sha256(mesh_digest.encode() + world).hexdigest()


def hand_digest(assets: ManoAssets) -> str:
    """Differs whenever an array of the hand model does."""
    digest = hashlib.sha256(assets.side.encode())
    for name in ARRAY_SHAPES:
        digest.update(np.ascontiguousarray(getattr(assets, name), dtype=np.float32).tobytes())
    return digest.hexdigest()


def _batches(jobs: Sequence[RetargetingJob]) -> Iterator[list[RetargetingJob]]:
    """Whole jobs, as few as fill HANDS_AT_ONCE."""
    batch: list[RetargetingJob] = []
    for job in jobs:
        batch.append(job)
        if sum(len(waiting.digests) for waiting in batch) >= HANDS_AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch
