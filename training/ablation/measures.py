"""How good a trained model is: sampled hands and contact maps against the best-matching known grasps, and losses."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from funcgrasp_core.contracts import CONTACT_TAU_M
from funcgrasp_core.grasp_model.grasp_model import GraspModel
from funcgrasp_core.grasp_model.sample_random import SampleRandom
from funcgrasp_core.grasp_model.semantic_encoder import ViewImages
from funcgrasp_core.hand.hand_parts import vertex_part_labels
from funcgrasp_core.hand.mano_layer import HandLayer
from training.ablation.judged_cases import JudgedCase
from training.metrics.contact_map_f1 import contact_map_f1, touched_by_hand, touched_from_probabilities

MILLIMETRES = 1e3


@dataclass(frozen=True)
class Measure:
    """One column of figures.

    Attributes:
        name: in result files.
        title: in tables.
        unit: of the values; empty for none.
        lower_is_better: None where neither is.
        explanation: one sentence.
    """

    name: str
    title: str
    unit: str
    lower_is_better: bool | None
    explanation: str


MEASURES = (
    Measure(
        "vertex_error_mm",
        "vertex error",
        "mm",
        True,
        "mean distance between the vertices of a sampled hand and of the known grasp that matches it best, turned "
        "through the object's symmetry; median over all samples of all cases",
    ),
    Measure(
        "hand_f1",
        "hand F1",
        "",
        False,
        "F1 of the contact that a sampled hand really makes with the best-matching known grasp's, symmetry included; "
        "mean over all samples",
    ),
    Measure(
        "map_f1",
        "map F1",
        "",
        False,
        "F1 of a sample's predicted contact map, by the distance rule, with the best-matching known grasp's, symmetry "
        "included; mean over all samples",
    ),
    Measure(
        "missed_mm",
        "missed",
        "mm",
        True,
        "mean vertex distance from a known grasp to the sample that comes nearest to it; median over known grasps: "
        "small where samples cover all modes",
    ),
    Measure(
        "diversity_mm",
        "diversity",
        "mm",
        None,
        "mean vertex distance between two samples of one case; that of the known grasps is given below",
    ),
    Measure("contact_loss", "contact loss", "", True, "the base's contact loss on fixed validation batches"),
    Measure("flow_loss", "flow loss", "", True, "the squared velocity error of the grasps' flow on the same batches"),
    Measure("train_cpu_s", "training", "CPU s", None, "CPU time of training, data and states included"),
    Measure(
        "sample_ms",
        "sampling",
        "ms",
        None,
        "time to sample one grasp of a batch of cases: CPU time, or elapsed on a GPU",
    ),
)
"""All figures, in the order of the columns."""

CASES_AT_ONCE = 10


def judge_samples(
    model: GraspModel,
    cases: Sequence[JudgedCase],
    hand_layer: HandLayer,
    num_samples: int,
    soft_target_tau_m: float = CONTACT_TAU_M,
    show_views: bool = True,
    device: torch.device | str = "cpu",
) -> dict[str, float]:
    """Figures of a model's samples.

    Args:
        model: on the device.
        cases: to ask.
        hand_layer: poses the sampled hands.
        num_samples: K, of each case.
        soft_target_tau_m: that the model's contact probabilities stand for.
        show_views: False hides all views.
        device: where to sample.
    """
    model.eval()
    labels = vertex_part_labels(hand_layer.assets)
    errors, missed, hand_f1, map_f1, diversity = [], [], [], [], []
    clock = time.process_time if torch.device(device).type == "cpu" else time.perf_counter
    seconds = 0.0
    for start in range(0, len(cases), CASES_AT_ONCE):
        chosen = cases[start : start + CASES_AT_ONCE]
        begin = clock()
        vectors, probabilities = _sample(model, chosen, num_samples, show_views, torch.device(device))
        seconds += clock() - begin
        vertices = hand_layer.from_vector(vectors.flatten(0, 1)).vertices.unflatten(0, vectors.shape[:2])
        for case, hands, maps in zip(chosen, vertices, probabilities, strict=True):
            sampled = case.to_object_frame(hands)
            to_right = vertex_distances(sampled, case.right_hands)
            errors.append(to_right.amin(dim=1))
            missed.append(_nearest_of_each_grasp(to_right.amin(dim=0), case.right_grasps))
            between = vertex_distances(sampled, sampled)
            diversity.append(float(between.sum()) / max(1, num_samples * (num_samples - 1)))
            points = case.points.numpy()
            made = np.stack([touched_by_hand(points, hand, labels.numpy()) for hand in sampled.numpy()])
            predicted = touched_from_probabilities(maps.numpy(), soft_target_tau_m)
            hand_f1.append(best_matches(made, case.right_maps))
            map_f1.append(best_matches(predicted, case.right_maps))
    return {
        "vertex_error_mm": float(torch.cat(errors).median()) * MILLIMETRES,
        "hand_f1": float(np.concatenate(hand_f1).mean()),
        "map_f1": float(np.concatenate(map_f1).mean()),
        "missed_mm": float(torch.cat(missed).median()) * MILLIMETRES,
        "diversity_mm": float(np.mean(diversity)) * MILLIMETRES,
        "sample_ms": 1e3 * seconds / (len(cases) * num_samples),
    }


def known_diversity_mm(cases: Sequence[JudgedCase]) -> float:
    """The diversity of the known grasps themselves, not turned: what samples that copy the data would have."""
    values = []
    for case in cases:
        first = torch.stack([(case.right_grasps == grasp).nonzero()[0, 0] for grasp in case.right_grasps.unique()])
        hands = case.right_hands[first]
        if len(hands) > 1:
            values.append(float(vertex_distances(hands, hands).sum()) / (len(hands) * (len(hands) - 1)))
    return float(np.mean(values)) * MILLIMETRES if values else 0.0


def vertex_distances(first: Tensor, second: Tensor) -> Tensor:
    """Mean distance of corresponding vertices: [K, V, 3] and [R, V, 3] -> [K, R] metres."""
    return torch.stack([(hand - second).norm(dim=-1).mean(dim=-1) for hand in first])


def best_matches(predicted: np.ndarray, right: np.ndarray) -> np.ndarray:
    """F1 of each map with the right one that matches it best: [K, N, 6] and [R, N, 6] bool -> [K]."""
    return np.array([contact_map_f1(each, right).max() for each in predicted])


def _nearest_of_each_grasp(nearest: Tensor, grasps: Tensor) -> Tensor:
    """The smallest [R] value among the turns of each known grasp: [M]."""
    return torch.stack([nearest[grasps == grasp].min() for grasp in grasps.unique()])


@torch.no_grad()
def _sample(
    model: GraspModel, cases: Sequence[JudgedCase], num_samples: int, show_views: bool, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Vectors [B, K, 61] in the models' frames and contact probabilities [B, K, N, 6], on the CPU."""
    mask = torch.stack([case.view_mask for case in cases])
    views = ViewImages(torch.stack([case.images for case in cases]), mask if show_views else torch.zeros_like(mask))
    sample = model.sample(
        torch.stack([case.seen_points for case in cases]).to(device),
        views.to(device),
        [case.instruction for case in cases],
        num_samples,
        SampleRandom([case.seed for case in cases]),
    )
    return sample.vectors.float().cpu(), sample.contact_probabilities.float().cpu()
