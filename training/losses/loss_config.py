"""Every choice in the training objective."""

from dataclasses import dataclass

from funcgrasp_core.contracts import CONTACT_TAU_M
from funcgrasp_core.errors import ConfigurationError


@dataclass(frozen=True)
class LossConfig:
    """Weights and targets of the objective's terms."""

    soft_target_tau_m: float = CONTACT_TAU_M  # length scale of the soft contact targets
    no_contact_weight: float = 0.1  # of a point that nothing touches
    clamp_strength: bool = True  # limit the weight of points between fingers to that of points under one
    contact_weight: float = 1.5
    flow_weight: float = 1.0
    mode_weight: float = 1.0  # where the model samples a mode first

    def __post_init__(self) -> None:
        if self.soft_target_tau_m <= 0:
            raise ConfigurationError(f"soft_target_tau_m must be positive, got {self.soft_target_tau_m}")
        if not 0 < self.no_contact_weight <= 1:
            raise ConfigurationError(f"no_contact_weight must be above 0 and at most 1, got {self.no_contact_weight}")
        for name in ("contact_weight", "flow_weight", "mode_weight"):
            if getattr(self, name) < 0:
                raise ConfigurationError(f"{name} must not be negative, got {getattr(self, name)}")
