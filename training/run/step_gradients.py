"""Gradients of a whole optimiser step, exact however its items are shared out over processes and passes.

Every term of the objective is a ratio of two sums over all items of the step. The denominators depend on the data
alone: they are added up over processes and passes first, and each pass then differentiates its own share of the ratio.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from funcgrasp_core.contracts import CONTACT_THRESHOLD_M
from funcgrasp_core.geometry.contact_field import contact_labels_from_probabilities, hard_contact_labels
from funcgrasp_core.grasp_model.contact_weighted_pooling import part_probabilities
from funcgrasp_core.grasp_model.grasp_model import TrainingPrediction
from training.data.observation_store import ObservationBatch
from training.losses.contact_targets import ContactTargets
from training.losses.grasp_objective import GraspObjective
from training.run.reflow_teacher import ReflowTeacher


@dataclass(frozen=True)
class TrainingPass:
    """One forward pass of a model, and what is compared after it.

    Attributes:
        accelerator: gives device and, if it was told so, precision.
        objective: the loss.
        bfloat16: matrix products in bfloat16.
        teacher: gives the pairs that flows learn in training; None: they learn the known grasps.
    """

    accelerator: Accelerator
    objective: GraspObjective
    bfloat16: bool
    teacher: ReflowTeacher | None = None

    def predict(self, model: nn.Module, batch: ObservationBatch) -> TrainingPrediction:
        """The model's prediction for a batch on its device."""
        with torch.autocast(self.accelerator.device.type, torch.bfloat16, enabled=self.bfloat16):
            num_contact_points = batch.contact_distances.shape[2]
            pairs = None if self.teacher is None or not model.training else self.teacher.pairs(batch)
            prediction = model(
                batch.points, batch.views, batch.texts, batch.vectors, batch.random, num_contact_points, pairs
            )
        return prediction if prediction.velocity_target.dtype == torch.float64 else prediction.to_float()

    def targets(self, batch: ObservationBatch, progress: float = 1.0) -> ContactTargets:
        """What contact is compared with when a share `progress` of training is done; 1 in validation."""
        return self.objective.targets(batch.contact_distances, batch.points, progress)

    def labels(
        self, prediction: TrainingPrediction, batch: ObservationBatch, progress: float = 1.0
    ) -> tuple[Tensor, Tensor]:
        """Predicted and true contact classes, [B, G, N'] each."""
        probabilities = part_probabilities(prediction.contact_logits.detach())
        tau_m = self.objective.config.tau_at(progress)
        predicted = contact_labels_from_probabilities(probabilities, tau_m, CONTACT_THRESHOLD_M)
        return predicted, hard_contact_labels(batch.contact_distances, CONTACT_THRESHOLD_M)


def accumulate_gradients(
    training_pass: TrainingPass, model: nn.Module, batches: Sequence[ObservationBatch], progress: float
) -> dict[str, float]:
    """Add the gradients of a step to the parameters'.

    Args:
        training_pass: how a batch is predicted and compared.
        model: prepared by accelerate; every process calls this at the same time.
        batches: of this process, one for each pass.
        progress: share of training that is done, in [0, 1].

    Returns:
        `total`, its terms and `accuracy` of contact classes, over all processes and passes.
    """
    accelerator, objective = training_pass.accelerator, training_pass.objective
    targets = [training_pass.targets(batch, progress) for batch in batches]
    weights = added_up(accelerator, [denominators(objective, target) for target in targets])
    reported = []
    for number, batch in enumerate(batches):
        is_last = number + 1 == len(batches)
        with nullcontext() if is_last else accelerator.no_sync(model):
            on_device = moved_to(model, batch)
            prediction = training_pass.predict(model, on_device)
            sums = numerators(objective, prediction, targets[number])
            # The gradients of the processes are averaged, those of a sum are wanted.
            loss = objective.terms(sums, {n: w.to(prediction.velocity) for n, w in weights.items()})["total"]
            accelerator.backward(loss * accelerator.num_processes)
        predicted, true = training_pass.labels(prediction, on_device, progress)
        counts = {"right": (predicted == true).sum(), "all": torch.tensor(true.numel())}
        reported.append({name: value.detach().double().cpu() for name, value in {**sums, **counts}.items()})
    totals = added_up(accelerator, reported)
    accuracy = totals.pop("right") / totals.pop("all")
    terms = objective.terms(totals, weights)
    return {name: float(value) for name, value in {**terms, "accuracy": accuracy}.items()}


def denominators(objective: GraspObjective, targets: ContactTargets) -> dict[str, Tensor]:
    """The terms' denominators, added up in float64, so that their order does not matter."""
    return objective.weights(dataclasses.replace(targets, soft=targets.soft.double()))


def numerators(objective: GraspObjective, prediction: TrainingPrediction, targets: ContactTargets) -> dict[str, Tensor]:
    """The terms' numerators; the targets may lie on another device and be of another type than the prediction."""
    neighbours = None if targets.neighbours is None else targets.neighbours.to(prediction.velocity.device)
    return objective.sums(prediction, ContactTargets(targets.soft.to(prediction.velocity), neighbours))


def moved_to(model: nn.Module, batch: ObservationBatch) -> ObservationBatch:
    """The batch on the model's device, in double precision if the model is."""
    weights = next(parameter for parameter in model.parameters() if parameter.is_floating_point())
    return batch.to(weights.device, torch.float64 if weights.dtype == torch.float64 else None)


def added_up(accelerator: Accelerator, rows: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
    """Scalars by name, added over rows and processes in float64; every process gives the same names, maybe no row."""
    names = list(rows[0])
    values = torch.stack([torch.stack([row[name].detach().double().cpu() for name in names]) for row in rows]).sum(0)
    total = torch.as_tensor(accelerator.reduce(values.to(accelerator.device), "sum")).cpu()
    return dict(zip(names, total, strict=True))
