"""A training batch from the store against one made from the data set's files, and its share of a training step.

python -m bench.data_loading [--data procedural] [--cache DIR] [--json FILE] [--calls N] [--steps N]

The straightforward side does for every grasp what a data set's `__getitem__` would: read the hand file, pose the hand,
measure distances to the chosen points, decode and resize six pictures.
"""

import argparse
import dataclasses
import json
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from bench.side_by_side import LEAST_CALLS, SideBySide, compare, machine_facts, report
from funcgrasp_core.contracts import CONTACT_TAU_M
from funcgrasp_core.geometry.contact_field import soft_contact_targets
from funcgrasp_core.grasp_model.grasp_model import build_grasp_model
from funcgrasp_core.grasp_model.named_configs import COMPACT
from funcgrasp_core.grasp_model.sample_random import SampleRandom
from funcgrasp_core.grasp_model.semantic_encoder import ViewImages
from funcgrasp_core.preprocessing.object_cloud import centre_on_box
from funcgrasp_core.preprocessing.object_views import prepare_views
from training.data.augmentation import OFF, move_vectors
from training.data.build_store import StoreSettings, build_store
from training.data.data_sets import cache_of, resolve_data
from training.data.grasp_distances import GraspDistances
from training.data.instruction_phrasing import phrases
from training.data.oakink import OakInkShapeDataset
from training.data.observation_store import ObservationStore
from training.losses.grasp_objective import GraspObjective
from training.losses.loss_config import LossConfig

NUM_POINTS = 1024
BATCH_SIZE = 32
VIEW_SIZE = 64


@dataclass(frozen=True)
class PlainBatch:
    """What both sides make: [B, N, 3], [B, 61], [B, N, 6] and [B, 6, 3, S, S]."""

    points: Tensor
    vectors: Tensor
    soft_targets: Tensor
    images: Tensor

    def is_close_to(self, other: "PlainBatch") -> bool:
        """Up to the rounding of stored distances to float16."""
        return (
            torch.allclose(self.points, other.points, atol=1e-6)
            and torch.allclose(self.vectors, other.vectors, atol=1e-6)
            and torch.allclose(self.soft_targets, other.soft_targets, atol=3e-4)
            and torch.allclose(self.images, other.images, atol=1e-6)
        )


def batch_from_store(store: ObservationStore, items: Sequence[int]) -> PlainBatch:
    """One grasp an item, not augmented."""
    random = SampleRandom(items)
    batch = store.draw(items, 1, NUM_POINTS, NUM_POINTS, OFF, lambda *names: phrases(*names, "train"), random)
    assert isinstance(batch.views, ViewImages)
    return PlainBatch(batch.points, batch.vectors[:, 0], batch.soft_targets(CONTACT_TAU_M)[:, 0], batch.views.images)


def batch_from_files(dataset: OakInkShapeDataset, store: ObservationStore, items: Sequence[int]) -> PlainBatch:
    """The same from the files; of the store it takes the order of points only, so that both choose the same."""
    records = sorted(dataset.records, key=lambda record: record.object_id)
    distances_of = GraspDistances(dataset.hand_layer)
    points, vectors, distances, images = [], [], [], []
    for item in items:
        record = records[item]
        order = store.orders[store.groups[item].object_index][0].long()
        points.append(torch.from_numpy(dataset.cloud(record.object_id))[order[:NUM_POINTS]])
        vectors.append(torch.from_numpy(dataset.vector(record)))
        distances.append(distances_of(points[-1][None], vectors[-1][None])[0])
        images.append(torch.from_numpy(prepare_views(dataset.views(record.object_id, 0), VIEW_SIZE)[0]))
    centred, centres = centre_on_box(torch.stack(points))
    return PlainBatch(
        centred,
        move_vectors(torch.stack(vectors), -centres),
        soft_contact_targets(torch.stack(distances)),
        torch.stack(images),
    )


def compare_batches(store: ObservationStore, dataset: OakInkShapeDataset, num_calls: int) -> list[SideBySide]:
    """Whole batches, and distances with soft targets alone."""
    one_order = dataclasses.replace(store, orders=[orders[:1] for orders in store.orders])
    generator = torch.Generator().manual_seed(0)
    batches = [torch.randint(len(store), (BATCH_SIZE,), generator=generator).tolist() for _ in range(16)]
    ours_turn, plain_turn = iter(range(10**9)), iter(range(10**9))
    agree = batch_from_store(one_order, batches[0]).is_close_to(batch_from_files(dataset, one_order, batches[0]))
    whole = compare(
        f"batch B={BATCH_SIZE} N={NUM_POINTS} views {VIEW_SIZE}",
        lambda: batch_from_store(one_order, batches[next(ours_turn) % len(batches)]),
        lambda: batch_from_files(dataset, one_order, batches[next(plain_turn) % len(batches)]),
        outputs_agree=agree,
        device=torch.device("cpu"),
        num_calls=num_calls,
    )

    items, distances_of = batches[0], GraspDistances(dataset.hand_layer)
    chosen = [one_order.orders[one_order.groups[item].object_index][0][:NUM_POINTS].long() for item in items]
    clouds = torch.stack(
        [one_order.clouds[one_order.groups[i].object_index][rows] for i, rows in zip(items, chosen, strict=True)]
    )

    def cached() -> Tensor:
        rows = [store.distances[item][points] for item, points in zip(items, chosen, strict=True)]
        return soft_contact_targets(torch.stack(rows).float())

    def computed() -> Tensor:
        return soft_contact_targets(distances_of(clouds, store.vectors[items]))

    alone = compare(
        f"soft targets B={BATCH_SIZE} N={NUM_POINTS}",
        cached,
        computed,
        outputs_agree=torch.allclose(cached(), computed(), atol=3e-4),
        device=torch.device("cpu"),
        num_calls=num_calls,
    )
    return [whole, alone]


def training_step_seconds(store: ObservationStore, num_steps: int) -> float:
    """Median time of forward and backward pass of `compact` on a batch that is there already."""
    model = build_grasp_model(COMPACT)
    objective = GraspObjective(LossConfig())
    random = SampleRandom(range(BATCH_SIZE))
    batch = store.draw(
        range(BATCH_SIZE), 4, COMPACT.num_points, 256, OFF, lambda *names: phrases(*names, "train"), random
    )
    seconds = []
    for _ in range(num_steps + 1):
        start = time.perf_counter()
        prediction = model(batch.points, batch.views, batch.texts, batch.vectors, batch.random, 256)
        targets = objective.targets(batch.contact_distances, batch.points)
        objective(prediction, targets)["total"].backward()
        model.zero_grad()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds[1:])


def _share(batch_ms: float, step_seconds: float) -> float:
    return batch_ms / (batch_ms + 1e3 * step_seconds)


def main() -> None:
    """Compare, and write how much of a training step each side would take."""
    parser = argparse.ArgumentParser(description="Time training batches from the store and from files.")
    parser.add_argument("--data", help="as of training (default: procedural)")
    parser.add_argument("--split", default="train")
    parser.add_argument("--cache", type=Path, help="as of training")
    parser.add_argument("--json", type=Path, help="file for the figures")
    parser.add_argument("--calls", type=int, default=LEAST_CALLS, help="timed calls of each side")
    parser.add_argument("--steps", type=int, default=10, help="timed training steps")
    options = parser.parse_args()
    source = resolve_data(options.data)[0]
    dataset = OakInkShapeDataset(source.root, options.split)
    start = time.perf_counter()
    store = build_store(dataset, StoreSettings(VIEW_SIZE, NUM_POINTS), cache_of(source, options.cache))
    start_seconds = time.perf_counter() - start
    rows = compare_batches(store.by_grasp(), dataset, options.calls)
    report(rows, options.json)
    step = training_step_seconds(store, options.steps)
    shares = {
        "start_s": start_seconds,
        "training_step_s": step,
        "batches_per_second_from_store": 1e3 / rows[0].ours_ms["p50"],
        "batches_per_second_from_files": 1e3 / rows[0].straightforward_ms["p50"],
        "share_of_step_from_store": _share(rows[0].ours_ms["p50"], step),
        "share_of_step_from_files": _share(rows[0].straightforward_ms["p50"], step),
    }
    print(json.dumps(shares, indent=1))
    if options.json is not None:
        content = {"machine": machine_facts(), "rows": [dataclasses.asdict(row) for row in rows], "loading": shares}
        options.json.write_text(json.dumps(content, indent=1) + "\n")


if __name__ == "__main__":
    main()
