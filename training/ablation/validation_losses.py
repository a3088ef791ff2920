"""The base's losses of any model on the same held-out batches."""

from collections import defaultdict

import torch

from funcgrasp_core.grasp_model.grasp_model import GraspModel
from funcgrasp_core.grasp_model.sample_random import stream_seed
from training.data.epoch_order import SeededItem
from training.data.group_phrasing import group_phrasing
from training.data.observation_store import ObservationStore
from training.experiments import Experiment
from training.losses.grasp_objective import GraspObjective
from training.run.grasp_trainer import with_all_seen
from training.run.item_source import ItemSource


@torch.no_grad()
def validation_losses(
    model: GraspModel,
    store: ObservationStore,
    base: Experiment,
    seed: int,
    max_items: int | None = None,
    device: torch.device | str = "cpu",
) -> dict[str, float]:
    """`contact_loss` and `flow_loss`, each over all items together.

    Args:
        model: on the device.
        store: of the validation split.
        base: whose objective, items and augmentation are taken, with all points and views seen.
        seed: of what varies the items, the same for every model.
        max_items: of the first ones only.
        device: where the model is.
    """
    model.eval()
    augmentation = with_all_seen(base.augmentation)
    source = ItemSource(store, base.items, base.model.num_points, augmentation, group_phrasing("train"))
    items = [SeededItem(index, stream_seed(seed, index)) for index in range(len(source))][:max_items]
    objective = GraspObjective(base.losses)
    sums: dict[str, float] = defaultdict(float)
    weights: dict[str, float] = defaultdict(float)
    for start in range(0, len(items), base.items.batch_size):
        batch = source.draw(items[start : start + base.items.batch_size]).to(torch.device(device))
        num_contact_points = batch.contact_distances.shape[2]
        prediction = model(batch.points, batch.views, batch.texts, batch.vectors, batch.random, num_contact_points)
        targets = objective.targets(batch.contact_distances, batch.points)
        for name, value in objective.sums(prediction.to_float(), targets).items():
            sums[name] += float(value)
        for name, value in objective.weights(targets).items():
            weights[name] += float(value)
    return {"contact_loss": sums["contact"] / weights["contact"], "flow_loss": sums["flow"] / weights["flow"]}
