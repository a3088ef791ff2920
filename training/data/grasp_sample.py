"""One training sample of any grasp reader: a grasp with its object's points, views, contact and an instruction."""

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch

from funcgrasp_core.contracts import CONTACT_THRESHOLD_M, NO_CONTACT_LABEL
from funcgrasp_core.errors import ConfigurationError
from funcgrasp_core.geometry.contact_field import hard_contact_labels, per_part_distances
from funcgrasp_core.geometry.rotations import rotation_about_z
from funcgrasp_core.hand.hand_parts import vertex_part_labels
from training.data.augmentation import turn_vectors
from training.data.grasp_reader import GraspReader, RetargetedGraspRecord, is_retargeted
from training.data.instruction_phrasing import phrase
from training.data.oakink_index import GraspRecord
from training.data.oakink_layout import PROCEDURAL_STAGE


@dataclass(frozen=True)
class SampleSettings:
    """How samples are made."""

    num_points: int = 1024  # of every sample's cloud
    origin: Literal["cloud", "mesh"] = "cloud"  # centre of the box of what a model sees, or of the whole mesh
    yaw_deg: int = 0  # turn of views, cloud and hand about z; the views must be rendered at it

    def __post_init__(self) -> None:
        if self.num_points < 1:
            raise ConfigurationError(f"num_points must be at least 1, got {self.num_points}")
        if self.origin not in ("cloud", "mesh"):
            raise ConfigurationError(f"origin must be 'cloud' or 'mesh', not '{self.origin}'")


def grasp_sample(
    reader: GraspReader, record: GraspRecord, settings: SampleSettings, generator: np.random.Generator
) -> dict[str, Any]:
    """A grasp as tensors.

    Args:
        reader: of the data set.
        record: one of its grasps.
        settings: of the sample.
        generator: chooses points and instruction.

    Returns:
        instruction; mano_pose [48], mano_shape [10], mano_trans [3]; obj_points [N, 3]; per_finger_distances [N, 6];
        contact_labels [N]; contact_mask [N]; object_images by slot; category, intent, object_id, grasp_id; source, in
        words; is_retargeted, whether the hand is a robot's carried over; fingertip_residual_m, how well, else 0.
    """
    turn = rotation_about_z(torch.tensor(math.radians(settings.yaw_deg)))
    vector = torch.from_numpy(reader.vector(record))
    if settings.yaw_deg != 0:
        vector = turn_vectors(vector, turn)
    cloud = reader.cloud(record.object_id)
    chosen = generator.choice(len(cloud), settings.num_points, replace=False)
    points = torch.from_numpy(cloud[chosen]) @ turn.T
    centre = (points.amin(dim=0) + points.amax(dim=0)) / 2 if settings.origin == "cloud" else torch.zeros(3)
    points, translation = points - centre, vector[58:] - centre
    placed = torch.cat([vector[:58], translation])
    with torch.no_grad():
        vertices = reader.hand_layer.from_vector(placed[None]).vertices
        part_labels = vertex_part_labels(reader.hand_layer.assets)
        distances = per_part_distances(points[None], vertices, part_labels)[0]
    labels = hard_contact_labels(distances, CONTACT_THRESHOLD_M)
    intent = record.source.intent
    phrasing_split = "test" if reader.split == "test" else "train"
    return {
        "instruction": phrase(
            record.category,
            intent,
            phrasing_split,
            seed=int(generator.integers(2**31)),
            name_parts=record.source.stage == PROCEDURAL_STAGE,
        ),
        "mano_pose": vector[:48],
        "mano_shape": vector[48:58],
        "mano_trans": translation,
        "obj_points": points,
        "per_finger_distances": distances,
        "contact_labels": labels,
        "contact_mask": labels != NO_CONTACT_LABEL,
        "object_images": reader.views(record.object_id, settings.yaw_deg),
        "category": record.category,
        "intent": intent,
        "object_id": record.object_id,
        "grasp_id": record.grasp_id,
        "source": record.source.stage,
        "is_retargeted": is_retargeted(record),
        "fingertip_residual_m": record.fingertip_residual_m if isinstance(record, RetargetedGraspRecord) else 0.0,
    }
