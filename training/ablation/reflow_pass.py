"""Training on another model's flows (reflow): its pairs of noise and sample take the place of noise and known grasp."""

from dataclasses import dataclass

import torch
from torch import nn

from funcgrasp_core.grasp_model.grasp_model import GraspModel
from funcgrasp_core.grasp_model.model_outputs import TrainingPrediction
from training.data.observation_store import ObservationBatch
from training.run.step_gradients import TrainingPass


@dataclass(frozen=True)
class ReflowPass(TrainingPass):
    """A forward pass whose flows learn what a trained teacher flows to; contact is learned from the data as before.

    Liu et al., "Flow Straight and Fast", ICLR 2023. Pairs are drawn anew for every batch, so no pair is seen twice.

    Attributes:
        teacher: on the device, in evaluation mode.
        num_pairs: of each observation.
    """

    teacher: GraspModel
    num_pairs: int

    @classmethod
    def of(cls, plain: TrainingPass, teacher: GraspModel, num_pairs: int) -> "ReflowPass":
        """The same pass with a teacher."""
        teacher = teacher.to(plain.accelerator.device).eval().requires_grad_(False)
        return cls(plain.accelerator, plain.objective, plain.bfloat16, teacher, num_pairs)

    def predict(self, model: nn.Module, batch: ObservationBatch) -> TrainingPrediction:
        """The model's prediction for a batch on its device."""
        with torch.autocast(self.accelerator.device.type, torch.bfloat16, enabled=self.bfloat16):
            pairs = self.teacher.flow_pairs(batch.points, batch.views, batch.texts, self.num_pairs, batch.random)
            prediction = model(
                batch.points,
                batch.views,
                batch.texts,
                batch.vectors,
                batch.random,
                batch.contact_distances.shape[2],
                pairs,
            )
        return prediction if prediction.velocity_target.dtype == torch.float64 else prediction.to_float()
