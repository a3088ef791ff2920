"""Pages that show, in 3-D, what a model samples for a few validation items beside what is known to be right."""

import re
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from funcgrasp_core.contracts import (
    CONTACT_THRESHOLD_M,
    NO_CONTACT_LABEL,
    PART_NAMES,
    ContactMap,
    GraspPlan,
    PlannedGrasp,
)
from funcgrasp_core.geometry.contact_field import contact_labels_from_probabilities, hard_contact_labels
from funcgrasp_core.grasp_model.sample_random import stream_seed
from funcgrasp_core.hand.mano_layer import HandLayer
from funcgrasp_core.hand.palm_frame import palm_frame
from funcgrasp_core.planning.grasp_poses import approach_directions, pregrasp_poses, wrist_poses
from funcgrasp_core.visualisation.plan_html import plan_page
from training.data.epoch_order import SeededItem
from training.run.output_files import write_whole_text
from training.run.sampled_grasps import ComparedGrasp

_PAGES_STREAM = 7


def page_items(num_items: int, num_pages: int, seed: int, step: int) -> list[SeededItem]:
    """Other random items at each step, the same ones whenever a run comes by that step."""
    generator = torch.Generator().manual_seed(stream_seed(seed, _PAGES_STREAM, step))
    chosen = torch.randperm(num_items, generator=generator)[:num_pages].tolist()
    return [SeededItem(index, stream_seed(seed, _PAGES_STREAM, step, index)) for index in chosen]


def pages_folder(run_folder: Path, step: int, epoch: int) -> Path:
    """Where the pages of a validation are; the epoch counts from 0."""
    return run_folder / "visualizations" / f"step_{step:06d}_epoch_{epoch:03d}"


def write_pages(
    folder: Path,
    number: int,
    category: str,
    object_id: str,
    compared: ComparedGrasp,
    hand_layer: HandLayer,
    tau_m: float,
) -> None:
    """Write `sample_<number>_<category>_<object>_predicted.html` and `..._groundtruth.html`.

    Points have the colour of the part that touches them; both pages are in the object frame.

    Args:
        folder: of this validation.
        number: of the sample.
        category: of its object.
        object_id: of it.
        compared: the sampled grasp and the known ones, the first of which is shown.
        hand_layer: poses the known hand.
        tau_m: length scale of the contact probabilities.

    Raises:
        MissingDependencyError: k3d is not installed.
    """
    name = re.sub(r"[^\w.-]", "_", f"sample_{number}_{category}_{object_id}")
    batch = compared.batch
    points, instruction = batch.points[0].numpy(), batch.texts[0]
    labels = contact_labels_from_probabilities(compared.sample.contact_probabilities[0, 0], tau_m, CONTACT_THRESHOLD_M)
    terms = {"error mm": 1e3 * compared.vertex_error_m, "contact F1": compared.map_f1}
    predicted = _grasp(compared.sample.vectors[0], compared.hand_vertices, compared.joints, terms, hand_layer)
    page = _page(points, labels, predicted, f"{instruction} (predicted)", hand_layer)
    write_whole_text(folder / f"{name}_predicted.html", page)

    known_vector = batch.vectors[0, :1]
    known = hand_layer.from_vector(known_vector)
    labels = hard_contact_labels(batch.contact_distances[0, 0], CONTACT_THRESHOLD_M)
    truth = _grasp(known_vector, known.vertices[0].numpy(), known.joints[0].numpy(), {}, hand_layer)
    page = _page(points, labels, truth, f"{instruction} (ground truth)", hand_layer)
    write_whole_text(folder / f"{name}_groundtruth.html", page)


def _grasp(
    vector: Tensor, vertices: np.ndarray, joints: np.ndarray, terms: dict[str, float], hand_layer: HandLayer
) -> PlannedGrasp:
    poses = wrist_poses(vector)
    directions = approach_directions(poses, palm_frame(hand_layer.assets)[1])
    return PlannedGrasp(
        vector=vector[0].numpy(),
        score=terms.get("contact F1", 1.0),
        score_terms=terms,
        joints=joints,
        vertices=vertices,
        wrist_pose=poses[0].numpy(),
        pregrasp_pose=pregrasp_poses(poses, directions)[0].numpy(),
        approach_direction=directions[0].numpy(),
    )


def _page(points: np.ndarray, labels: Tensor, grasp: PlannedGrasp, title: str, hand_layer: HandLayer) -> str:
    touched = torch.nn.functional.one_hot(labels, len(PART_NAMES) + 1)[:, NO_CONTACT_LABEL + 1 :].float().numpy()
    plan = GraspPlan(
        frame="object",
        instruction=title,
        grasps=(grasp,),
        contact_map=ContactMap(points, touched),
        hand_faces=hand_layer.closed_faces.cpu().numpy(),
        timings={},
    )
    return plan_page(plan)
