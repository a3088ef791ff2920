"""Judges a grasp against the exact object that the demo's scene was simulated from.

Contact and penetration are measured from the object's signed distance and the hand's closed mesh, not from anything
that the planner computed.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from funcgrasp_core.errors import DatasetError
from funcgrasp_ros.recorded_scene import TRUTH_TOPIC, read_recording
from training.data.object_families import FAMILIES, ObjectFamily, Parameters, mesh_from_parameters, sample_surface
from training.metrics.exact_mesh import ExactMesh

CONTACT_DISTANCE_M = 0.005
"""Hand vertices within this distance of the object's surface, or inside it, touch it."""

MIN_PART_SHARE = 0.6
MAX_PENETRATION_M = 0.01
"""Of the hand into the object and of the object into the hand. The wall of a mug is 4 mm thick, so that no hand vertex
is ever deeper than 2 mm in it; it is the object's points in the hand that show a hand pushed through the wall."""

NUM_SURFACE_POINTS = 8192
"""Of the object, about 2 mm apart on a mug."""

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

    def mesh(self) -> tuple[np.ndarray, np.ndarray]:
        """Vertices [V, 3] in the table's frame and faces [F, 3]."""
        vertices, faces = mesh_from_parameters(self.family, self.parameters)
        return vertices @ self.table_from_object[:3, :3].T + self.table_from_object[:3, 3], faces


@dataclass(frozen=True)
class GraspCheck:
    """What was measured of one grasp.

    Attributes:
        part_shares: by part, the share of the hand's contact vertices that touch it.
        num_contact_vertices: of the hand.
        penetration_m: of the deepest hand vertex in the object.
        depth_in_hand_m: of the deepest point of the object's surface in the hand.
    """

    part_shares: Mapping[str, float]
    num_contact_vertices: int
    penetration_m: float
    depth_in_hand_m: float

    def failures(self, wanted_part: str) -> list[str]:
        """Sentences about what is not as it should be; none if the grasp is good."""
        failures = []
        share = self.part_shares[wanted_part]
        if share < MIN_PART_SHARE:
            failures.append(f"only {share:.0%} of the contact is on the {wanted_part}, {MIN_PART_SHARE:.0%} are needed")
        allowed = f"{1000 * MAX_PENETRATION_M:.0f} mm are allowed"
        if self.penetration_m > MAX_PENETRATION_M:
            failures.append(f"the hand is {1000 * self.penetration_m:.1f} mm inside the object, {allowed}")
        if self.depth_in_hand_m > MAX_PENETRATION_M:
            failures.append(f"the object is {1000 * self.depth_in_hand_m:.1f} mm inside the hand, {allowed}")
        return failures

    def summary(self) -> str:
        """One line for people."""
        shares = ", ".join(f"{part} {share:.0%}" for part, share in self.part_shares.items())
        return (
            f"{self.num_contact_vertices} contact vertices ({shares}), hand {1000 * self.penetration_m:.1f} mm in the "
            f"object, object {1000 * self.depth_in_hand_m:.1f} mm in the hand"
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


def check_grasp(hand_vertices: np.ndarray, hand_faces: np.ndarray, exact_object: ExactObject) -> GraspCheck:
    """Measures a hand.

    Args:
        hand_vertices: [V, 3] in the table's frame.
        hand_faces: [F, 3], wrist closed.
        exact_object: what it grasps.
    """
    points = exact_object.in_object_frame(hand_vertices)
    family, parameters = exact_object.family, exact_object.parameters
    distances = family.signed_distance(points, parameters)[0]
    touches = distances <= CONTACT_DISTANCE_M
    labels = family.part_labels(points, parameters)[0][touches]
    num_contacts = int(touches.sum())
    shares = {
        part: float((labels == index).sum()) / max(num_contacts, 1) for index, part in enumerate(family.part_names)
    }
    surface = sample_surface(family, parameters, NUM_SURFACE_POINTS, torch.Generator().manual_seed(0))[0]
    in_hand = ExactMesh(points[0].numpy(), hand_faces).signed_distances(surface.numpy())
    return GraspCheck(shares, num_contacts, max(0.0, -float(distances.min())), max(0.0, -float(in_hand.min())))
