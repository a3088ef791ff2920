"""What a grasp model gives: predictions that losses compare, and sampled grasps."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class TrainingPrediction:
    """What the losses compare; G grasps for each of B observations, T time draws.

    Attributes:
        contact_logits: [B, G, N, 7].
        velocity: [B, T * G, D] of the grasp's flow.
        velocity_target: [B, T * G, D].
        mode_velocity: [B, T' * G, 9] of the mode's flow, None without a mode.
        mode_velocity_target: [B, T' * G, 9].
    """

    contact_logits: Tensor
    velocity: Tensor
    velocity_target: Tensor
    mode_velocity: Tensor | None = None
    mode_velocity_target: Tensor | None = None

    def to_float(self) -> "TrainingPrediction":
        """The same in float32, for losses after a pass in bfloat16."""
        return TrainingPrediction(
            self.contact_logits.float(),
            self.velocity.float(),
            self.velocity_target.float(),
            None if self.mode_velocity is None else self.mode_velocity.float(),
            None if self.mode_velocity_target is None else self.mode_velocity_target.float(),
        )


@dataclass(frozen=True)
class ModelSample:
    """Sampled grasps.

    Attributes:
        vectors: [B, K, 61] MANO vectors in the object frame.
        contact_probabilities: [B, K, N, 6], each candidate's own contact map.
    """

    vectors: Tensor
    contact_probabilities: Tensor
