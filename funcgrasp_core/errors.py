"""Every failure that a caller can meet, each with a number that never changes.

The numbers are the `code` of `funcgrasp_ros/msg/GraspPlan` (a test compares the two), so a robot program can
branch on them. The text of an error says what was expected, what was found and what to do about it.
"""

from typing import ClassVar

SUCCESS_CODE = 0


class FuncGraspError(Exception):
    """A failure that the caller can act upon.

    Attributes:
        code: stable number of the kind of failure, unique to each class.
        code_name: the constant's name in `GraspPlan.msg`.
    """

    code: ClassVar[int] = 99
    code_name: ClassVar[str] = "INTERNAL_ERROR"


class NoCloudError(FuncGraspError):
    """No object cloud has arrived and the request carries none."""

    code, code_name = 1, "NO_CLOUD"


class EmptyCloudError(FuncGraspError):
    """The cloud has too few points, before or after filtering."""

    code, code_name = 2, "EMPTY_CLOUD"


class CloudFieldsError(FuncGraspError):
    """The cloud lacks x, y or z, or they have an unusable type."""

    code, code_name = 3, "CLOUD_FIELDS"


class MalformedCloudError(FuncGraspError):
    """The cloud's sizes contradict each other: row_step, point_step or the length of its data."""

    code, code_name = 4, "MALFORMED_CLOUD"


class NotFiniteError(FuncGraspError):
    """No finite point is left in the cloud."""

    code, code_name = 5, "NOT_FINITE"


class ImplausibleScaleError(FuncGraspError):
    """The object is too large or too small for a hand; usually the cloud is in millimetres."""

    code, code_name = 6, "IMPLAUSIBLE_SCALE"


class StaleInputError(FuncGraspError):
    """The newest cloud is older than the node accepts."""

    code, code_name = 7, "STALE_INPUT"


class NoTransformError(FuncGraspError):
    """The frame of an input cannot be transformed into the planning frame."""

    code, code_name = 8, "NO_TRANSFORM"


class NoInstructionError(FuncGraspError):
    """The instruction is empty."""

    code, code_name = 9, "NO_INSTRUCTION"


class InstructionTooLongError(FuncGraspError):
    """The instruction is longer than the model reads."""

    code, code_name = 10, "INSTRUCTION_TOO_LONG"


class InstructionTokensError(FuncGraspError):
    """The instruction contains control characters or the special tokens of a language model."""

    code, code_name = 11, "INSTRUCTION_TOKENS"


class BadImageError(FuncGraspError):
    """An image contradicts its encoding or its CameraInfo, or it is not a colour image."""

    code, code_name = 12, "BAD_IMAGE"


class ModelNotReadyError(FuncGraspError):
    """The model is not loaded, or the node is not active."""

    code, code_name = 13, "MODEL_NOT_READY"


class CheckpointMissingError(FuncGraspError):
    """The checkpoint file does not exist."""

    code, code_name = 14, "CHECKPOINT_MISSING"


class CheckpointFormatError(FuncGraspError):
    """The checkpoint file is of another format, version or model."""

    code, code_name = 15, "CHECKPOINT_FORMAT"


class OutOfMemoryError(FuncGraspError):
    """The device ran out of memory."""

    code, code_name = 16, "OUT_OF_MEMORY"


class NoFeasibleGraspError(FuncGraspError):
    """The model found no grasp that it can recommend."""

    code, code_name = 17, "NO_FEASIBLE_GRASP"


class BusyError(FuncGraspError):
    """The queue of requests is full."""

    code, code_name = 18, "BUSY"


class CancelledError(FuncGraspError):
    """The request was withdrawn before it was answered."""

    code, code_name = 19, "CANCELLED"


class NotSupportedError(FuncGraspError):
    """The request uses a field that is reserved for a later version."""

    code, code_name = 20, "NOT_SUPPORTED"


class InvalidRequestError(FuncGraspError):
    """A value of the request is out of its range."""

    code, code_name = 21, "INVALID_REQUEST"


class HandFileError(FuncGraspError):
    """A hand model file is missing, incomplete or holds objects that are not allowed in it."""

    code, code_name = 22, "HAND_FILE"


class InvalidFileError(FuncGraspError):
    """An input file is missing or cannot be read as what it should be."""

    code, code_name = 23, "INVALID_FILE"


class ConfigurationError(FuncGraspError):
    """Settings contradict each other or are out of range."""

    code, code_name = 24, "CONFIGURATION"


class MissingDependencyError(FuncGraspError):
    """A feature needs an optional package that is not installed."""

    code, code_name = 25, "MISSING_DEPENDENCY"


class InvalidDistancesError(FuncGraspError):
    """Hand-object distances are negative or not finite, or the length scale is not positive."""

    code, code_name = 26, "INVALID_DISTANCES"


class DatasetError(FuncGraspError):
    """A data set is incomplete, damaged or laid out otherwise than expected."""

    code, code_name = 27, "DATASET"


class ObjectNotFoundError(FuncGraspError):
    """Nothing in the scene can be an object: all of it is outside of the workspace, on the table or too small."""

    code, code_name = 28, "OBJECT_NOT_FOUND"


class ObjectHintError(FuncGraspError):
    """No object of the scene is where the request's hint says."""

    code, code_name = 29, "OBJECT_HINT"


def error_codes() -> dict[str, int]:
    """Name and number of every failure, SUCCESS included, as they stand in `GraspPlan.msg`."""
    codes = {"SUCCESS": SUCCESS_CODE, FuncGraspError.code_name: FuncGraspError.code}
    codes.update({child.code_name: child.code for child in FuncGraspError.__subclasses__()})
    return codes
