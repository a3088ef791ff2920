"""Every choice in the training objective."""

from dataclasses import dataclass

from funcgrasp_core.contracts import CONTACT_TAU_M
from funcgrasp_core.grasp_model.config_base import require


@dataclass(frozen=True)
class TauAnnealing:
    """Contact targets that are soft at first and reach their final length scale during training."""

    initial_tau_m: float = 0.03
    share: float = 0.5  # of training until the final length scale is reached

    def __post_init__(self) -> None:
        require(self.initial_tau_m > 0, f"initial_tau_m must be positive, got {self.initial_tau_m}")
        require(0 < self.share <= 1, f"TauAnnealing.share must be above 0 and at most 1, got {self.share}")


@dataclass(frozen=True)
class SpatialConsistencyConfig:
    """Neighbouring points whose targets agree should have similar contact probabilities."""

    weight: float = 0.5  # of the term in the total
    num_neighbours: int = 8  # of each point, those nearest to it
    agreement: float = 0.1  # difference of targets at which an edge's weight has fallen to 1/e

    def __post_init__(self) -> None:
        require(self.weight > 0, f"SpatialConsistencyConfig.weight must be positive, got {self.weight}")
        require(self.num_neighbours > 0, f"num_neighbours must be positive, got {self.num_neighbours}")
        require(
            self.agreement >= 0.02,
            f"agreement must be at least 0.02, got {self.agreement}: below, the weights of all edges may vanish",
        )


@dataclass(frozen=True)
class LossConfig:
    """Weights and targets of the objective's terms."""

    soft_target_tau_m: float = CONTACT_TAU_M  # length scale of the soft contact targets, in the end and in validation
    tau_annealing: TauAnnealing | None = None  # None: the same length scale from the first step on
    no_contact_weight: float = 0.1  # of a point that nothing touches
    clamp_strength: bool = True  # limit the weight of points between fingers to that of points under one
    focal_gamma: float = 0.0  # above 0, well-predicted points count less; 0 is plain cross-entropy
    spatial: SpatialConsistencyConfig | None = None  # None: no such term
    contact_weight: float = 1.5
    flow_weight: float = 1.0
    mode_weight: float = 1.0  # where the model samples a mode first

    def __post_init__(self) -> None:
        require(self.soft_target_tau_m > 0, f"soft_target_tau_m must be positive, got {self.soft_target_tau_m}")
        require(
            0 < self.no_contact_weight <= 1,
            f"no_contact_weight must be above 0 and at most 1, got {self.no_contact_weight}",
        )
        require(
            self.focal_gamma == 0 or self.focal_gamma >= 1,
            f"focal_gamma must be 0 or at least 1, got {self.focal_gamma}: between them the gradient is infinite where "
            "the prediction meets its target",
        )
        for name in ("contact_weight", "flow_weight", "mode_weight"):
            require(getattr(self, name) >= 0, f"{name} must not be negative, got {getattr(self, name)}")

    def tau_at(self, progress: float) -> float:
        """Length scale of the contact targets in metres when a share `progress` in [0, 1] of training is done.

        tau = final (initial / final)^(1 - progress / share), then final: equal shares of training divide it by equal
        factors. Metrics and validation take the final one, `tau_at(1.0)`.
        """
        annealing = self.tau_annealing
        if annealing is None or progress >= annealing.share:
            return self.soft_target_tau_m
        ratio = annealing.initial_tau_m / self.soft_target_tau_m
        return self.soft_target_tau_m * ratio ** (1.0 - progress / annealing.share)
