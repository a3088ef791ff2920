"""What contact predictions are compared with."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class ContactTargets:
    """Targets of B observations with G grasps and N points each; `GraspObjective.targets` makes them.

    Attributes:
        soft: [B, G, N, 6] independent probabilities.
        neighbours: [B, N, k] long, the points around each point; None where no term needs them.
    """

    soft: Tensor
    neighbours: Tensor | None = None
