"""The training objective of the grasp model: contact, its consistency, grasp flow and mode flow, every term by name.

Each term is a ratio of two sums. The denominators depend on the data alone, so they can be added up over all
processes and accumulation steps before the first pass; what is then differentiated is the ratio of the whole step.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from funcgrasp_core.geometry.contact_field import soft_contact_targets
from funcgrasp_core.grasp_model.model_outputs import TrainingPrediction
from training.losses.contact_loss import ContactLoss
from training.losses.contact_targets import ContactTargets
from training.losses.flow_matching_loss import flow_matching_loss
from training.losses.loss_config import LossConfig
from training.losses.spatial_consistency_loss import SpatialConsistencyLoss


@dataclass(frozen=True)
class GraspObjective:
    """total = sum of weight * term over the terms contact, spatial, flow and mode.

    `spatial` is there where the configuration has it, `mode` where the model has one.

    Attributes:
        config: weights of the terms and how targets are made.
    """

    config: LossConfig = field(default_factory=LossConfig)

    @property
    def contact(self) -> ContactLoss:
        """The contact loss."""
        return ContactLoss(self.config.no_contact_weight, self.config.clamp_strength, self.config.focal_gamma)

    @property
    def spatial(self) -> SpatialConsistencyLoss | None:
        """The spatial-consistency loss, if there is one."""
        config = self.config.spatial
        return None if config is None else SpatialConsistencyLoss(config.num_neighbours, config.agreement)

    def targets(self, distances: Tensor, points: Tensor, progress: float = 1.0) -> ContactTargets:
        """What contact is compared with.

        Args:
            distances: [B, G, N', 6] metres from the first N' points to the hand parts.
            points: [B, N, 3] metres.
            progress: share of training that is done, in [0, 1]; 1 in validation.
        """
        soft = soft_contact_targets(distances, self.config.tau_at(progress))
        spatial = self.spatial
        neighbours = None if spatial is None else spatial.neighbours(points[:, : distances.shape[2]])
        return ContactTargets(soft, neighbours)

    def weights(self, targets: ContactTargets) -> dict[str, Tensor]:
        """The terms' denominators: scalars by name."""
        num_grasps = targets.soft.new_tensor(float(targets.soft.shape[:2].numel()))
        weights = {"contact": self.contact.weights(targets.soft).sum(), "flow": num_grasps, "mode": num_grasps}
        if self.spatial is not None and targets.neighbours is not None:
            weights["spatial"] = self.spatial.weights(targets.soft, targets.neighbours).sum()
        return weights

    def sums(self, prediction: TrainingPrediction, targets: ContactTargets) -> dict[str, Tensor]:
        """The terms' numerators: scalars by name."""
        logits, num_grasps = prediction.contact_logits, targets.soft.shape[1]
        losses = self.contact.losses(logits, targets.soft)
        sums = {"contact": (losses * self.contact.weights(targets.soft)).sum()}
        if self.spatial is not None and targets.neighbours is not None:
            edges = self.spatial.weights(targets.soft, targets.neighbours)
            sums["spatial"] = (self.spatial.losses(logits, targets.neighbours) * edges).sum()
        sums["flow"] = _sum_over_grasps(prediction.velocity, prediction.velocity_target, num_grasps)
        if prediction.mode_velocity is not None and prediction.mode_velocity_target is not None:
            sums["mode"] = _sum_over_grasps(prediction.mode_velocity, prediction.mode_velocity_target, num_grasps)
        return sums

    def terms(self, sums: Mapping[str, Tensor], weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """`total` and its terms, each numerator over its denominator."""
        config = self.config
        factors = {"contact": config.contact_weight, "flow": config.flow_weight, "mode": config.mode_weight}
        if config.spatial is not None:
            factors["spatial"] = config.spatial.weight
        terms = {name: value / weights[name] for name, value in sums.items()}
        total = torch.stack([factors[name] * value for name, value in terms.items()]).sum()
        return {"total": total, **terms}

    def __call__(self, prediction: TrainingPrediction, targets: ContactTargets) -> dict[str, Tensor]:
        """`total` and its terms for a single batch."""
        return self.terms(self.sums(prediction, targets), self.weights(targets))


def _sum_over_grasps(velocity: Tensor, target: Tensor, num_grasps: int) -> Tensor:
    """Mean over a grasp's velocities, summed over B observations of G grasps: [B, Q, D] -> scalar."""
    return flow_matching_loss(velocity, target).sum() * num_grasps / velocity.shape[1]
