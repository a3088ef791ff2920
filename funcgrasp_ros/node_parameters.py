"""The planner node's parameters: types, ranges, descriptions, and the settings that they make up."""

import re
from dataclasses import dataclass
from typing import get_args

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.node import Node

from funcgrasp_core.contracts import VIEW_SLOTS
from funcgrasp_core.errors import ConfigurationError
from funcgrasp_core.hand.hand_layer_factory import HandBackend
from funcgrasp_core.planning.grasp_planner import MAX_CANDIDATES

DEVICE_PATTERN = re.compile(r"cpu|cuda(:\d+)?")
TOPIC_PATTERN = re.compile(r"/?[A-Za-z_]\w*(/[A-Za-z_]\w*)*")


@dataclass(frozen=True)
class NodeParameter:
    """One parameter of the node.

    Attributes:
        default: value, which also fixes the type.
        description: what it does, its unit, and what empty or 0 means.
        limits: lowest and highest number allowed.
        read_only: can only be given when the node starts. The others are read when the node is configured.
    """

    default: bool | int | float | str | list[str]
    description: str
    limits: tuple[float, float] | None = None
    read_only: bool = False


PLANNER_PARAMETERS: dict[str, NodeParameter] = {
    "autostart": NodeParameter(True, "Configure and activate at once, without a lifecycle manager.", read_only=True),
    "checkpoint": NodeParameter("", "Model file (.safetensors). Empty: the one that comes with the package."),
    "hand_file": NodeParameter(
        "", "Hand model, MANO_RIGHT.pkl or .safetensors. Empty: the reference hand that comes with the package."
    ),
    "hand_backend": NodeParameter(
        "native", "What poses the hand: native, or manotorch where that and a MANO file are installed."
    ),
    "device": NodeParameter("cpu", "Where the model runs: cpu, cuda or cuda:N."),
    "num_threads": NodeParameter(0, "CPU threads of the model. 0: PyTorch's own choice.", (0, 256)),
    "planning_frame": NodeParameter(
        "", "Frame, z up, that grasps are planned and published in. Empty: the frame that the cloud comes in."
    ),
    "transform_timeout": NodeParameter(0.2, "How long to wait for a transform, seconds.", (0.0, 10.0)),
    "max_input_age": NodeParameter(
        10.0, "Clouds and images of topics that are older are not planned on, seconds. 0: any age.", (0.0, 86400.0)
    ),
    "camera_topics": NodeParameter(
        [f"camera_{index}" for index in range(len(VIEW_SLOTS))],
        "Cameras that look at the object; each stands for the topics NAME/image and NAME/camera_info.",
    ),
    "camera_slots": NodeParameter(
        [""],
        f"Where each of camera_topics stands, for cameras without transform or CameraInfo: {', '.join(VIEW_SLOTS)}, or "
        "empty to find it out. One for each camera, or a single empty one for all.",
    ),
    "crop_margin": NodeParameter(
        1.16, "Size of the square cut from a camera's image, by the object's reach from its centre.", (1.0, 5.0)
    ),
    "num_candidates": NodeParameter(
        16, "Grasps of a plan where the request does not say how many.", (1, MAX_CANDIDATES)
    ),
    "max_candidates": NodeParameter(128, "Most grasps that a request may ask for.", (1, MAX_CANDIDATES)),
    "queue_size": NodeParameter(
        2, "Requests that may wait while one is planned; the next is BUSY.", (0, 64), read_only=True
    ),
    "num_marker_hands": NodeParameter(3, "Hands that the markers show, best first.", (0, 64)),
    "grasp_frames": NodeParameter(
        0, "Grasps that get tf frames, grasp_0/wrist and grasp_0/pregrasp being the best's. 0: none.", (0, 64)
    ),
    "diagnostics_period": NodeParameter(1.0, "Seconds between two messages on /diagnostics.", (0.1, 60.0)),
}


@dataclass(frozen=True)
class PlannerSettings:
    """Values of PLANNER_PARAMETERS, checked against each other. Fields have the parameters' names."""

    autostart: bool
    checkpoint: str
    hand_file: str
    hand_backend: HandBackend
    device: str
    num_threads: int
    planning_frame: str
    transform_timeout: float
    max_input_age: float
    camera_topics: tuple[str, ...]
    camera_slots: tuple[str, ...]
    crop_margin: float
    num_candidates: int
    max_candidates: int
    queue_size: int
    num_marker_hands: int
    grasp_frames: int
    diagnostics_period: float

    def __post_init__(self):
        if not DEVICE_PATTERN.fullmatch(self.device):
            raise ConfigurationError(f"Parameter 'device' is '{self.device}'; expected cpu, cuda or cuda:N.")
        if self.hand_backend not in get_args(HandBackend):
            raise ConfigurationError(
                f"Parameter 'hand_backend' is '{self.hand_backend}'; expected {' or '.join(get_args(HandBackend))}."
            )
        if self.num_candidates > self.max_candidates:
            raise ConfigurationError(
                f"Parameter 'num_candidates' is {self.num_candidates}, more than 'max_candidates', "
                f"{self.max_candidates}; lower the first or raise the second."
            )
        self._check_cameras()

    def slot_of_camera(self, index: int) -> str:
        """View slot that the parameters give to a camera; empty if it is to be found out."""
        return self.camera_slots[index] if self.camera_slots != ("",) else ""

    def _check_cameras(self) -> None:
        for topic in self.camera_topics:
            if topic and not TOPIC_PATTERN.fullmatch(topic):
                raise ConfigurationError(f"Parameter 'camera_topics' holds '{topic}', which cannot be a topic's name.")
        unknown = sorted(set(self.camera_slots) - set(VIEW_SLOTS) - {""})
        if unknown:
            raise ConfigurationError(
                f"Parameter 'camera_slots' holds {unknown}; expected {', '.join(VIEW_SLOTS)} or an empty text."
            )
        if self.camera_slots != ("",) and len(self.camera_slots) != len(self.camera_topics):
            raise ConfigurationError(
                f"Parameter 'camera_slots' has {len(self.camera_slots)} values for {len(self.camera_topics)} "
                "'camera_topics'; give one for each camera, or a single empty text."
            )
        named = [slot for slot in self.camera_slots if slot]
        if len(set(named)) != len(named):
            raise ConfigurationError(f"Parameter 'camera_slots' names a slot twice: {named}; one camera a slot.")


def declare_parameters(node: Node) -> None:
    """Declares every parameter of PLANNER_PARAMETERS with its type, range and description."""
    for name, parameter in PLANNER_PARAMETERS.items():
        node.declare_parameter(name, parameter.default, _descriptor(parameter))


def read_settings(node: Node) -> PlannerSettings:
    """The settings as they are now.

    Raises:
        ConfigurationError: values that cannot be, alone or together.
    """
    values = {name: node.get_parameter(name).value for name in PLANNER_PARAMETERS}
    for name in ("camera_topics", "camera_slots"):
        values[name] = tuple(values[name])
    return PlannerSettings(**values)


def _descriptor(parameter: NodeParameter) -> ParameterDescriptor:
    descriptor = ParameterDescriptor(description=parameter.description, read_only=parameter.read_only)
    if parameter.limits is None:
        return descriptor
    lowest, highest = parameter.limits
    if isinstance(parameter.default, int):
        descriptor.integer_range = [IntegerRange(from_value=int(lowest), to_value=int(highest), step=0)]
    else:
        descriptor.floating_point_range = [
            FloatingPointRange(from_value=float(lowest), to_value=float(highest), step=0.0)
        ]
    return descriptor
