"""Grasps that a model samples for validation items, compared with the best-matching known grasp.

Symmetry of objects is not made use of here: a good grasp from another side of a bottle counts as far off. The
evaluation of a trained model does so, on exact meshes.
"""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from accelerate import Accelerator

from funcgrasp_core.contracts import CONTACT_THRESHOLD_M
from funcgrasp_core.grasp_model.grasp_model import GraspModel, ModelSample
from funcgrasp_core.grasp_model.sample_random import SampleRandom, stream_seed
from funcgrasp_core.hand.mano_layer import HandLayer
from training.data.epoch_order import SeededItem
from training.data.observation_store import ObservationBatch
from training.metrics.contact_map_f1 import contact_map_f1, touched_from_probabilities
from training.run.item_source import ItemSource
from training.run.step_gradients import moved_to

_SAMPLING_STREAM = 5


@dataclass(frozen=True)
class ComparedGrasp:
    """A sampled grasp beside what is known.

    Attributes:
        batch: the observation, with all known grasps.
        sample: one grasp and its contact map.
        hand_vertices: [V, 3] of the sampled hand.
        joints: [21, 3] of the sampled hand.
        vertex_error_m: mean distance of its vertices from those of the nearest known hand.
        map_f1: agreement of its contact map, over points and parts, with the known map that fits best.
    """

    batch: ObservationBatch
    sample: ModelSample
    hand_vertices: np.ndarray
    joints: np.ndarray
    vertex_error_m: float
    map_f1: float


@torch.no_grad()
def compare_sample(
    model: GraspModel, source: ItemSource, item: SeededItem, hand_layer: HandLayer, tau_m: float
) -> ComparedGrasp:
    """Sample one grasp for an item; the same one for the same weights."""
    batch = source.draw_with_known(item)
    on_device = moved_to(model, batch)
    random = SampleRandom([stream_seed(item.seed, _SAMPLING_STREAM)])
    sample = model.sample(on_device.points, on_device.views, on_device.texts, 1, random)
    sample = ModelSample(sample.vectors.float().cpu(), sample.contact_probabilities.float().cpu())
    hand = hand_layer.from_vector(sample.vectors[0])
    known = hand_layer.from_vector(batch.vectors[0])
    errors = (hand.vertices - known.vertices).norm(dim=-1).mean(dim=-1)
    touched = touched_from_probabilities(sample.contact_probabilities[0, 0].numpy(), tau_m)
    truth = (batch.contact_distances[0] < CONTACT_THRESHOLD_M).numpy()
    return ComparedGrasp(
        batch,
        sample,
        hand.vertices[0].numpy(),
        hand.joints[0].numpy(),
        float(errors.min()),
        float(contact_map_f1(touched, truth).max()),
    )


def sampled_metrics(
    accelerator: Accelerator,
    model: GraspModel,
    source: ItemSource,
    items: Sequence[SeededItem],
    hand_layer: HandLayer,
    tau_m: float,
) -> dict[str, float]:
    """`sampled_vertex_error_mm`, the median, and `sampled_map_f1`, the mean, over items; none without items.

    Every process calls it at the same time, with a model whose weights are whole.
    """
    if not items:
        return {}
    own = items[accelerator.process_index :: accelerator.num_processes]
    rows = torch.full((-(-len(items) // accelerator.num_processes), 2), torch.nan)
    for number, item in enumerate(own):
        compared = compare_sample(model, source, item, hand_layer, tau_m)
        rows[number] = torch.tensor([compared.vertex_error_m, compared.map_f1])
    gathered = accelerator.gather(rows.to(accelerator.device)).cpu()  # type: ignore[union-attr]
    known = gathered[~gathered.isnan().any(dim=1)]
    return {
        "sampled_vertex_error_mm": 1e3 * statistics.median(known[:, 0].tolist()),
        "sampled_map_f1": statistics.fmean(known[:, 1].tolist()),
    }
