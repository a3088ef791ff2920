"""Failures of a training run; the numbers lie above those that a planner reports."""

from funcgrasp_core.errors import ConfigurationError, InvalidFileError


class CheckpointWriteError(InvalidFileError):
    """A training state could not be written; the older ones are as they were."""

    code, code_name = 1001, "CHECKPOINT_WRITE"


class TrainingDivergedError(ConfigurationError):
    """The loss, its gradients or the weights are not finite, or the gradients explode."""

    code, code_name = 1002, "TRAINING_DIVERGED"
