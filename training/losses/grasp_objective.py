"""The training objective of the grasp model: contact, grasp flow and mode flow, every term by name."""

from dataclasses import dataclass

import torch
from torch import Tensor

from funcgrasp_core.errors import FuncGraspError
from funcgrasp_core.grasp_model.grasp_model import TrainingPrediction
from training.losses.contact_loss import ContactLoss, weighted_mean
from training.losses.flow_matching_loss import flow_matching_loss


@dataclass(frozen=True)
class GraspObjective:
    """total = contact_weight * contact + flow_weight * flow + mode_weight * mode.

    Attributes:
        contact: the contact loss.
        contact_weight: its weight.
        flow_weight: of the grasp flow.
        mode_weight: of the mode flow, where the model has one.
    """

    contact: ContactLoss
    contact_weight: float = 1.5
    flow_weight: float = 1.0
    mode_weight: float = 1.0

    def __call__(self, prediction: TrainingPrediction, soft_targets: Tensor) -> dict[str, Tensor]:
        """Scalars by name: `total` and its terms.

        Args:
            prediction: of the model.
            soft_targets: [B, G, N, 6] contact probabilities.
        """
        terms = {
            "contact": weighted_mean(*self.contact(prediction.contact_logits, soft_targets)),
            "flow": flow_matching_loss(prediction.velocity, prediction.velocity_target).mean(),
        }
        total = self.contact_weight * terms["contact"] + self.flow_weight * terms["flow"]
        if prediction.mode_velocity is not None and prediction.mode_velocity_target is not None:
            terms["mode"] = flow_matching_loss(prediction.mode_velocity, prediction.mode_velocity_target).mean()
            total = total + self.mode_weight * terms["mode"]
        if not torch.isfinite(total):
            values = ", ".join(f"{name} {float(value):.4g}" for name, value in terms.items())
            raise FuncGraspError(f"the loss is not finite ({values}); lower the learning rate or check the data")
        return {"total": total, **terms}
