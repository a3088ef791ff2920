"""What every reader of a grasp data set offers, whatever its files look like.

Everything is in one frame: metres, z up, the origin at the centre of the box of the object's mesh.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from funcgrasp_core.hand.mano_layer import HandLayer
from training.data.oakink_index import GraspRecord

LOST_CONTACT_M = 0.005


@dataclass(frozen=True)
class RetargetedGraspRecord(GraspRecord):
    """A grasp of a robot's hand that was carried over to the human hand; `source.stage` says so in words.

    Attributes:
        fingertip_residual_m: mean distance between the fingertips of the two hands.
        palm_residual_m: distance between the centres of their palms.
        num_contacts: fingers with which the robot touches the object.
        num_lost_contacts: those of them that are farther from it than LOST_CONTACT_M on the human hand.
        penetration_m: how deep the object lies inside the human hand.
    """

    fingertip_residual_m: float
    palm_residual_m: float
    num_contacts: int
    num_lost_contacts: int
    penetration_m: float


class GraspReader(Protocol):
    """One split of a data set: `build_store` and `grasp_sample` need no more."""

    root: Path
    split: str
    hand_layer: HandLayer

    @property
    def records(self) -> Sequence[GraspRecord]:
        """The grasps, always in the same order."""
        ...

    def vector(self, record: GraspRecord) -> np.ndarray:
        """The MANO vector [61] float32 of a grasp."""
        ...

    def cloud(self, object_id: str) -> np.ndarray:
        """Surface points [STORED_CLOUD_SIZE, 3] float32 of an object, in random order."""
        ...

    def mesh(self, object_id: str) -> tuple[np.ndarray, np.ndarray]:
        """Vertices [V, 3] and faces [F, 3] of an object."""
        ...

    def views(self, object_id: str, yaw_deg: int) -> dict[str, np.ndarray]:
        """The rendered views [S, S, 3] uint8 of an object by slot, the object turned about z by the yaw."""
        ...


def is_retargeted(record: GraspRecord) -> bool:
    """Whether the hand is not a recorded human's."""
    return isinstance(record, RetargetedGraspRecord)
