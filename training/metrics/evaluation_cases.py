"""What is asked in an evaluation: an unseen object at a random yaw, an instruction, and the known grasps for it."""

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from funcgrasp_core.contracts import INTENTS, ObjectObservation
from funcgrasp_core.errors import DatasetError
from funcgrasp_core.hand.mano_layer import HandLayer
from training.data.frozen_grasps import FrozenGrasps, load_frozen_grasps
from training.data.instruction_phrasing import phrase
from training.data.oakink import sample_object_cloud
from training.data.oakink_index import find_grasps, read_hand_vector
from training.data.oakink_layout import GRASPS_FOLDER
from training.data.object_families import part_area_fractions
from training.data.procedural_objects import ProceduralObject, object_seed, read_procedural_objects
from training.data.view_rendering import part_colours, render_views
from training.metrics.judged_object import JudgedObject

FRAME = "turned_object"
NUM_JUDGED_POINTS = 1024
"""Points of a cloud that contact maps of rows without a map of their own are compared at."""


@dataclass(frozen=True)
class EvaluationCase:
    """One question and its known answers.

    Attributes:
        judged: the object, in its own frame.
        intent: what the instruction means.
        instruction: a sentence of the phrasings kept for testing.
        yaw_rad: turn about z of the object as it is seen.
        observation: cloud and views of the turned object.
        kept_hands: [M, V, 3] vertices of the known grasps, in the object frame.
    """

    judged: JudgedObject
    intent: str
    instruction: str
    yaw_rad: float
    observation: ObjectObservation
    kept_hands: np.ndarray

    @property
    def pair(self) -> tuple[str, str]:
        """Category and intent."""
        return self.judged.category, self.intent

    @property
    def judged_points(self) -> np.ndarray:
        """[NUM_JUDGED_POINTS, 3] of the cloud, in the object frame."""
        return self.to_object_frame(self.observation.points[:NUM_JUDGED_POINTS])

    def to_object_frame(self, points: np.ndarray) -> np.ndarray:
        """Points [n, 3] of the observation's frame, turned back."""
        return points @ turn_about_z(self.yaw_rad)


def turn_about_z(yaw_rad: float) -> np.ndarray:
    """[3, 3]; points [n, 3] turn by `points @ turn.T` and back by `points @ turn`."""
    cos, sin = np.cos(yaw_rad), np.sin(yaw_rad)
    return np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])


def load_grasps(split: str, data_folder: Path | None) -> FrozenGrasps:
    """Objects and grasps of a split.

    Args:
        split: "train", "val" or "test".
        data_folder: a generated data set, only read. None: the frozen parameters.

    Raises:
        DatasetError: the folder, or the frozen parameters, hold no grasp of the split.
    """
    if data_folder is not None:
        return _read_folder(data_folder, split)
    grasps = load_frozen_grasps(splits=(split,))
    if len(grasps.vectors) == 0:
        raise DatasetError(f"there is no grasp of split '{split}' in the frozen parameters")
    return grasps


def build_cases(
    grasps: FrozenGrasps, hand_layer: HandLayer, seed: int, max_objects: int | None = None
) -> list[EvaluationCase]:
    """One case for each object and intent that has grasps; objects of all categories take turns.

    Args:
        grasps: of the split.
        hand_layer: poses the known grasps.
        seed: of yaws, instructions and clouds.
        max_objects: stop after this many objects.
    """
    by_category: dict[str, list[int]] = {}
    for index, item in enumerate(grasps.objects):
        by_category.setdefault(item.category, []).append(index)
    in_turn = [index for turn in itertools.zip_longest(*by_category.values()) for index in turn if index is not None]
    with_grasps = [index for index in in_turn if grasps.grasps_of(index)]
    return [
        case
        for index in with_grasps[:max_objects]
        for case in _cases_of_object(grasps.objects[index], grasps.grasps_of(index), hand_layer, seed)
    ]


def pose_hands(hand_layer: HandLayer, vectors: Tensor) -> np.ndarray:
    """Vertices [M, V, 3] float32 of MANO vectors [M, 61]."""
    with torch.no_grad():
        return hand_layer.from_vector(vectors.float()).vertices.numpy()


def surface_shares(cases: Sequence[EvaluationCase]) -> Mapping[tuple[str, str], float]:
    """Mean share of the surface that the part called for takes, by category and intent."""
    objects = {case.judged.object_id: case.judged for case in cases}
    fractions = {
        object_id: part_area_fractions(judged.family, judged.parameter_tensors())[0].numpy()
        for object_id, judged in objects.items()
    }
    shares: dict[tuple[str, str], list[float]] = {}
    for case in cases:
        share = fractions[case.judged.object_id][case.judged.part_called_for(case.intent)]
        shares.setdefault(case.pair, []).append(float(share))
    return {pair: float(np.mean(values)) for pair, values in shares.items()}


def _cases_of_object(
    item: ProceduralObject, grasps_by_intent: Sequence[tuple[str, Tensor]], hand_layer: HandLayer, seed: int
) -> list[EvaluationCase]:
    own_seed = object_seed(item.object_id, seed)
    judged = JudgedObject(
        item.object_id, item.category, {name: float(value) for name, value in item.parameters.items()}
    )
    yaw_rad = float(np.random.default_rng(own_seed).uniform(0.0, 2 * np.pi))
    observation = _observe(judged, yaw_rad, own_seed)
    return [
        EvaluationCase(
            judged,
            intent,
            phrase(item.category, intent, "test", seed=own_seed),
            yaw_rad,
            observation,
            pose_hands(hand_layer, vectors),
        )
        for intent, vectors in grasps_by_intent
    ]


def _observe(judged: JudgedObject, yaw_rad: float, seed: int) -> ObjectObservation:
    """Cloud and rendered views of the object turned about z."""
    vertices, faces = judged.mesh.vertices, judged.mesh.faces.astype(np.int64)
    cloud = sample_object_cloud(vertices, faces, seed)
    parts = judged.part_labels(vertices)
    colours = part_colours(int(parts.max()) + 1, seed)[parts]
    views = render_views(vertices, faces, colours, float(np.rad2deg(yaw_rad)), seed)
    turned = (cloud @ turn_about_z(yaw_rad).T).astype(np.float32)
    return ObjectObservation(turned, views, FRAME)


def _read_folder(root: Path, split: str) -> FrozenGrasps:
    """A generated data set's grasps of a split."""
    records = find_grasps(root, split) if (root / GRASPS_FOLDER).is_dir() else []
    if not records:
        raise DatasetError(
            f"{root} holds no grasp of split '{split}': make the split with `python -m "
            f"training.data.generate_procedural --output {root} --from-frozen --split {split}`"
        )
    known = read_procedural_objects(root)
    object_ids = sorted({record.object_id for record in records})
    missing = [object_id for object_id in object_ids if object_id not in known]
    if missing:
        raise DatasetError(f"{root} has grasps of objects without parameters: {', '.join(missing[:5])}")
    position = {object_id: index for index, object_id in enumerate(object_ids)}
    return FrozenGrasps(
        tuple(known[object_id] for object_id in object_ids),
        torch.from_numpy(np.stack([read_hand_vector(record.hand_file) for record in records])),
        torch.tensor([position[record.object_id] for record in records]),
        torch.tensor([INTENTS.index(record.source.intent) for record in records]),
    )
