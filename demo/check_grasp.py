"""Judges a grasp against the exact object that the demo's scene was simulated from.

Contact and penetration are measured from the object's signed distance, not from anything that the planner computed.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from funcgrasp_core.errors import DatasetError
from funcgrasp_ros.recorded_scene import TRUTH_TOPIC, read_recording
from training.data.object_families import FAMILIES, ObjectFamily, Parameters

CONTACT_DISTANCE_M = 0.005
"""Hand vertices within this distance of the object's surface, or inside it, touch it."""

MIN_PART_SHARE = 0.6
MAX_PENETRATION_M = 0.01

CDR_TEXT_START = 8
"""Bytes before the text of a std_msgs/String in CDR: 4 of header, 4 of length."""


@dataclass(frozen=True)
class ExactObject:
    """The object as it was simulated.

    Attributes:
        family: of its category.
        parameters: [1] each.
        table_from_object: [4, 4].
    """

    family: ObjectFamily
    parameters: Parameters
    table_from_object: np.ndarray

    def in_object_frame(self, points: np.ndarray) -> torch.Tensor:
        """Points [N, 3] of the table's frame as [1, N, 3] in the object's."""
        rotation, position = self.table_from_object[:3, :3], self.table_from_object[:3, 3]
        return torch.from_numpy((points - position) @ rotation).float()[None]


@dataclass(frozen=True)
class GraspCheck:
    """What was measured of one grasp.

    Attributes:
        part_shares: by part, the share of the hand's contact vertices that touch it.
        num_contact_vertices: of the hand.
        penetration_m: of the deepest hand vertex.
    """

    part_shares: Mapping[str, float]
    num_contact_vertices: int
    penetration_m: float

    def failures(self, wanted_part: str) -> list[str]:
        """Sentences about what is not as it should be; none if the grasp is good."""
        failures = []
        share = self.part_shares[wanted_part]
        if share < MIN_PART_SHARE:
            failures.append(f"only {share:.0%} of the contact is on the {wanted_part}, {MIN_PART_SHARE:.0%} are needed")
        if self.penetration_m > MAX_PENETRATION_M:
            failures.append(
                f"the hand is {1000 * self.penetration_m:.1f} mm inside, {1000 * MAX_PENETRATION_M:.0f} mm are allowed"
            )
        return failures

    def summary(self) -> str:
        """One line for people."""
        shares = ", ".join(f"{part} {share:.0%}" for part, share in self.part_shares.items())
        return (
            f"{self.num_contact_vertices} contact vertices ({shares}), penetration {1000 * self.penetration_m:.1f} mm"
        )


def read_exact_object(recording: Path) -> ExactObject:
    """The object that a simulated recording tells of.

    Raises:
        DatasetError: the recording does not tell.
    """
    for message in read_recording(recording):
        if message.topic == TRUTH_TOPIC:
            truth = json.loads(message.data[CDR_TEXT_START:].rstrip(b"\0"))
            parameters = {name: torch.tensor([value]) for name, value in truth["parameters"].items()}
            return ExactObject(FAMILIES[truth["category"]], parameters, np.array(truth["table_from_object"]))
    raise DatasetError(f"The recording '{recording}' has no topic {TRUTH_TOPIC}; record a simulated scene.")


def check_grasp(hand_vertices: np.ndarray, exact_object: ExactObject) -> GraspCheck:
    """Measures hand vertices [V, 3], given in the table's frame."""
    points = exact_object.in_object_frame(hand_vertices)
    family, parameters = exact_object.family, exact_object.parameters
    distances = family.signed_distance(points, parameters)[0]
    touches = distances <= CONTACT_DISTANCE_M
    labels = family.part_labels(points, parameters)[0][touches]
    num_contacts = int(touches.sum())
    shares = {
        part: float((labels == index).sum()) / max(num_contacts, 1) for index, part in enumerate(family.part_names)
    }
    return GraspCheck(shares, num_contacts, max(0.0, -float(distances.min())))
