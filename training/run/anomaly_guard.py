"""Notices that a training run goes wrong before its weights are spoilt."""

import math
import statistics
from collections.abc import Mapping

from training.experiments import FEWEST_NORMS, GuardConfig


class AnomalyGuard:
    """Watches the terms of the loss and the norm of its gradients.

    Args:
        config: what is too much.
    """

    def __init__(self, config: GuardConfig) -> None:
        self.config = config
        self.norms: list[float] = []
        self.num_high = 0

    @property
    def is_suspicious(self) -> bool:
        """Whether the newest gradients were far too large: no state should be kept now."""
        return self.num_high > 0

    def complaint(self, terms: Mapping[str, float], gradient_norm: float) -> str | None:
        """Take in a step before the weights are changed; why the run must stop, None if it may go on."""
        values = ", ".join(f"{name} {value:.4g}" for name, value in terms.items())
        if not all(math.isfinite(value) for value in terms.values()):
            return f"the loss is not finite ({values})"
        if not math.isfinite(gradient_norm):
            return f"the gradients are not finite (norm {gradient_norm}; {values})"
        if len(self.norms) < FEWEST_NORMS:
            self.norms.append(gradient_norm)
            return None
        median = statistics.median(self.norms)
        if gradient_norm > self.config.factor * median:
            self.num_high += 1
        else:
            self.num_high = 0
            self.norms = [*self.norms, gradient_norm][-self.config.window :]
        if self.num_high < self.config.patience:
            return None
        return (
            f"the gradients have exploded: norm {gradient_norm:.4g} against a median of {median:.4g}, the "
            f"{self.num_high}th step in a row above {self.config.factor:g} times that ({values})"
        )

    def state(self) -> dict[str, list[float] | int]:
        """What the next decision depends on."""
        return {"norms": list(self.norms), "num_high": self.num_high}

    def restore(self, state: dict[str, list[float] | int]) -> None:
        """Inverse of `state`."""
        self.norms = list(state["norms"])  # type: ignore[arg-type]
        self.num_high = int(state["num_high"])  # type: ignore[arg-type]
