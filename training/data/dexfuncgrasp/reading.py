"""Which grasps of a DexFuncGrasp folder are read, and how."""

from dataclasses import dataclass, field
from typing import Literal, get_args

from funcgrasp_core.errors import ConfigurationError
from training.data.broken_files import OnBroken
from training.data.dexfuncgrasp.retargeting import RetargetingSettings

HandShape = Literal["mean", "shadow"]


@dataclass(frozen=True)
class DexFuncGraspReading:
    """How a DexFuncGrasp folder is read."""

    categories: tuple[str, ...] | None = None  # to read; None reads all
    with_transferred: bool = True  # also grasps that were carried over to other objects of the category
    hand_shape: HandShape = "mean"  # the mean hand, or one with bones as near to Shadow's as is credible
    max_fingertip_residual_m: float = 0.010  # grasps whose fingertips fit worse in the mean are left out and listed
    on_broken: OnBroken = "refuse"  # broken files end the reading, or are left out and listed
    retargeting: RetargetingSettings = field(default_factory=RetargetingSettings)

    def __post_init__(self) -> None:
        if isinstance(self.categories, str) or (self.categories is not None and not self.categories):
            raise ConfigurationError(f"categories must be a tuple of names that is not empty, got {self.categories!r}")
        if self.hand_shape not in get_args(HandShape):
            raise ConfigurationError(f"hand_shape must be one of {get_args(HandShape)}, not '{self.hand_shape}'")
        if not self.max_fingertip_residual_m > 0:
            raise ConfigurationError(f"max_fingertip_residual_m must be positive, got {self.max_fingertip_residual_m}")
