"""Learning rates as functions of the step, so that a resumed run needs no state of a schedule."""

import math
from dataclasses import dataclass

from funcgrasp_core.errors import ConfigurationError


@dataclass(frozen=True)
class WarmupCosine:
    """Linear from zero to `highest` over the warm-up, then half a cosine down to `lowest` at the run's last step."""

    highest: float = 6e-4
    lowest: float = 1e-6
    warmup_steps: int = 200

    def __post_init__(self) -> None:
        _check_rates(self.highest, self.lowest)
        if self.warmup_steps < 0:
            raise ConfigurationError(f"warmup_steps must not be negative, got {self.warmup_steps}")

    def rate(self, step: int, num_steps: int, steps_per_epoch: int) -> float:
        """Rate of the step with this number, from 0, of a run of `num_steps`; epochs play no part."""
        del steps_per_epoch
        if step < self.warmup_steps:
            return self.highest * (step + 1) / self.warmup_steps
        progress = (step - self.warmup_steps) / max(1, num_steps - self.warmup_steps)
        return _half_cosine(min(1.0, progress), self.highest, self.lowest)


@dataclass(frozen=True)
class EpochCosine:
    """Half a cosine over `num_epochs`, changed at the start of each epoch: torch's CosineAnnealingLR in closed form.

    Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", ICLR 2017.
    """

    highest: float = 1e-4
    lowest: float = 1e-6
    num_epochs: int = 100  # T_max; the rate rises again in a longer run

    def __post_init__(self) -> None:
        _check_rates(self.highest, self.lowest)
        if self.num_epochs < 1:
            raise ConfigurationError(f"num_epochs must be at least 1, got {self.num_epochs}")

    def rate(self, step: int, num_steps: int, steps_per_epoch: int) -> float:
        """Rate of the step with this number, from 0; the run's length plays no part."""
        del num_steps
        return _half_cosine(step // steps_per_epoch / self.num_epochs, self.highest, self.lowest)


Schedule = WarmupCosine | EpochCosine


def _half_cosine(progress: float, highest: float, lowest: float) -> float:
    return lowest + (highest - lowest) * (1 + math.cos(math.pi * progress)) / 2


def _check_rates(highest: float, lowest: float) -> None:
    if not 0 <= lowest <= highest or highest == 0:
        raise ConfigurationError(f"learning rates must have 0 <= lowest <= highest, got {lowest} and {highest}")
