"""Pairs of noise and sample that a trained model has joined, for straightening the flows of another (reflow).

Liu et al., "Flow Straight and Fast", ICLR 2023, section 2.2: a flow that is trained on the couplings of a trained flow
has straighter paths, and costs no more to transport.
"""

from dataclasses import dataclass, fields

from torch import Tensor

from funcgrasp_core.errors import ConfigurationError


@dataclass(frozen=True)
class FlowPairs:
    """K pairs for each of B observations, in the normalised form that the flows work in.

    Attributes:
        noise: [B, K, D] that the grasp's flow started from.
        data: [B, K, D] where it ended.
        mode_noise: [B, K, 9] that the mode's flow started from; None without a mode, as the next two.
        mode_data: [B, K, 9] where it ended.
        palm_modes: [B, K, 9] palm poses under which the grasps hold, not normalised.
    """

    noise: Tensor
    data: Tensor
    mode_noise: Tensor | None = None
    mode_data: Tensor | None = None
    palm_modes: Tensor | None = None

    def with_modes(self) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """`data`, `noise`, `mode_data`, `mode_noise` and `palm_modes`, all there.

        Raises:
            ConfigurationError: the pairs come from a model without a mode.
        """
        if self.mode_data is None or self.mode_noise is None or self.palm_modes is None:
            raise ConfigurationError(
                "these flow pairs come from a model without a palm mode; make them with a teacher that has the same "
                "configuration of `mode` as the model that learns from them"
            )
        return self.data, self.noise, self.mode_data, self.mode_noise, self.palm_modes

    def tensors(self) -> dict[str, Tensor]:
        """What there is, by name, to be stored."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        return {name: value for name, value in values.items() if value is not None}
