"""The training objective of the grasp model: contact, grasp flow and mode flow, every term by name.

Each term is a ratio of two sums. The denominators depend on the data alone, so they can be added up over all
processes and accumulation steps before the first pass; what is then differentiated is the ratio of the whole step.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from funcgrasp_core.grasp_model.grasp_model import TrainingPrediction
from training.losses.contact_loss import ContactLoss
from training.losses.flow_matching_loss import flow_matching_loss
from training.losses.loss_config import LossConfig


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

    @classmethod
    def from_config(cls, config: LossConfig) -> "GraspObjective":
        """The objective that a configuration describes."""
        contact = ContactLoss(config.no_contact_weight, config.clamp_strength)
        return cls(contact, config.contact_weight, config.flow_weight, config.mode_weight)

    def weights(self, soft_targets: Tensor) -> dict[str, Tensor]:
        """The terms' denominators for contact probabilities [B, G, N, 6]: scalars by name."""
        num_grasps = soft_targets.new_tensor(float(soft_targets.shape[:2].numel()))
        return {"contact": self.contact.weights(soft_targets).sum(), "flow": num_grasps, "mode": num_grasps}

    def sums(self, prediction: TrainingPrediction, soft_targets: Tensor) -> dict[str, Tensor]:
        """The terms' numerators: scalars by name.

        Args:
            prediction: of the model.
            soft_targets: [B, G, N, 6] contact probabilities.
        """
        losses = self.contact.losses(prediction.contact_logits, soft_targets)
        sums = {"contact": (losses * self.contact.weights(soft_targets)).sum()}
        sums["flow"] = _sum_over_grasps(prediction.velocity, prediction.velocity_target, soft_targets.shape[1])
        if prediction.mode_velocity is not None and prediction.mode_velocity_target is not None:
            sums["mode"] = _sum_over_grasps(
                prediction.mode_velocity, prediction.mode_velocity_target, soft_targets.shape[1]
            )
        return sums

    def terms(self, sums: Mapping[str, Tensor], weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """`total` and its terms, each numerator over its denominator."""
        terms = {name: value / weights[name] for name, value in sums.items()}
        factors = {"contact": self.contact_weight, "flow": self.flow_weight, "mode": self.mode_weight}
        total = torch.stack([factors[name] * value for name, value in terms.items()]).sum()
        return {"total": total, **terms}

    def __call__(self, prediction: TrainingPrediction, soft_targets: Tensor) -> dict[str, Tensor]:
        """`total` and its terms for a single batch."""
        return self.terms(self.sums(prediction, soft_targets), self.weights(soft_targets))


def _sum_over_grasps(velocity: Tensor, target: Tensor, num_grasps: int) -> Tensor:
    """Each grasp's mean over its time draws, summed: [B, T * G, D] -> scalar."""
    return flow_matching_loss(velocity, target).sum() * num_grasps / velocity.shape[1]
