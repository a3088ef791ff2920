"""The planner node's parameters: types, ranges, descriptions, and when each may change."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.node import Node

from funcgrasp_core.contracts import VIEW_SLOTS
from funcgrasp_core.planning.grasp_planner import MAX_CANDIDATES
from funcgrasp_core.preprocessing.object_cloud import MIN_POINTS
from funcgrasp_ros.planner_settings import PlannerSettings

MAX_AGE_S = 86400.0
MAX_QUEUE_SIZE = 64

READ_WHEN = {
    "start": "Can only be given when the node starts.",
    "configure": "Read when the node is configured: to change it, clean up, set it, configure.",
    "request": "May change at any time; counts from the next request on.",
}
"""When a parameter is read, and what that means for who wants to change it."""


@dataclass(frozen=True)
class NodeParameter:
    """One parameter of the node.

    Attributes:
        default: value, which also fixes the type.
        description: what it does, its unit, and what empty or 0 means.
        limits: lowest and highest number allowed.
        read_when: key of READ_WHEN.
    """

    default: bool | int | float | str | list[str] | list[float]
    description: str
    limits: tuple[float, float] | None = None
    read_when: Literal["start", "configure", "request"] = "request"


PLANNER_PARAMETERS: dict[str, NodeParameter] = {
    "autostart": NodeParameter(True, "Configure and activate at once, without a lifecycle manager.", read_when="start"),
    "checkpoint": NodeParameter(
        "", "Model file (.safetensors). Empty: the one that comes with the package.", read_when="configure"
    ),
    "semantic_model": NodeParameter(
        "",
        "Folder of the Qwen2.5-VL checkpoint that the model file was trained with; nothing is downloaded. Empty for "
        "model files without one, such as the package's.",
        read_when="configure",
    ),
    "hand_file": NodeParameter(
        "",
        "Hand model, MANO_RIGHT.pkl or .safetensors. Empty: the reference hand that comes with the package.",
        read_when="configure",
    ),
    "hand_backend": NodeParameter(
        "native",
        "What poses the hand: native, or manotorch where that and a MANO file are installed.",
        read_when="configure",
    ),
    "device": NodeParameter("cpu", "Where the model runs: cpu, cuda or cuda:N.", read_when="configure"),
    "num_threads": NodeParameter(
        0, "CPU threads of the model. 0: PyTorch's own choice.", (0, 256), read_when="configure"
    ),
    "queue_size": NodeParameter(
        2, "Requests that may wait while one is planned; the next is BUSY.", (0, MAX_QUEUE_SIZE), read_when="configure"
    ),
    "planning_frame": NodeParameter(
        "", "Frame, z up, that grasps are planned and published in. Empty: the frame that the cloud comes in."
    ),
    "transform_timeout": NodeParameter(0.2, "How long to wait for a transform, seconds.", (0.0, 10.0)),
    "object_source": NodeParameter(
        "cloud",
        "What clouds show, those of requests too. cloud: one object, already cut out. scene: the object is found in "
        "the workspace, on a table, by open3d; the planning frame's z must point up.",
    ),
    "cloud_topics": NodeParameter(
        ["object_cloud"],
        "Clouds of the object or scene. Several are put together in planning_frame, which then must be given. A single "
        "empty text: none, every request brings its own.",
        read_when="configure",
    ),
    "max_cloud_age": NodeParameter(
        10.0,
        "A topic's cloud whose stamp is farther from now is not planned on, seconds. 0: any age. Unstamped ones are.",
        (0.0, MAX_AGE_S),
    ),
    "camera_topics": NodeParameter(
        [f"camera_{index}" for index in range(len(VIEW_SLOTS))],
        "Cameras that look at the object; each stands for the topics NAME/image and NAME/camera_info.",
        read_when="configure",
    ),
    "camera_transports": NodeParameter(
        ["raw"],
        "How each camera's images come: raw from NAME/image, or compressed (JPEG, PNG) from NAME/image/compressed. One "
        "for each camera, or a single one for all.",
        read_when="configure",
    ),
    "camera_pictures": NodeParameter(
        ["raw"],
        "What each camera's images are: raw, as its lens makes them (image_raw; K and D of its CameraInfo hold), or "
        "rectified (image_rect; R and P hold). One for each camera, or a single one for all.",
    ),
    "camera_slots": NodeParameter(
        [""],
        f"Where each of camera_topics stands, for cameras without transform or CameraInfo: {', '.join(VIEW_SLOTS)}, or "
        "empty to find it out. One for each camera, or a single empty one for all.",
    ),
    "max_image_age": NodeParameter(
        10.0,
        "A topic's image whose stamp is farther from now is left out with a note, seconds. 0: any age.",
        (0.0, MAX_AGE_S),
    ),
    "max_camera_skew": NodeParameter(
        1.0,
        "A topic's image whose stamp is farther from the cloud's, before or after it, is left out with a note, "
        "seconds. 0: any.",
        (0.0, MAX_AGE_S),
    ),
    "crop_margin": NodeParameter(
        1.16, "Size of the square cut from a camera's image, by the object's reach from its centre.", (1.0, 5.0)
    ),
    "workspace_min": NodeParameter(
        [-1.0, -1.0, -0.5],
        "Scenes: lowest x, y and z that are looked at, metres in the planning frame. Three numbers with a point.",
    ),
    "workspace_max": NodeParameter(
        [1.0, 1.0, 1.0],
        "Scenes: highest x, y and z that are looked at, metres in the planning frame. Three numbers with a point.",
    ),
    "table_tolerance": NodeParameter(
        0.01, "Scenes: points nearer to the table's plane belong to the table, metres.", (0.001, 0.1)
    ),
    "max_table_tilt": NodeParameter(
        0.17, "Scenes: a plane farther from level than this is not the table, radians.", (0.0, 0.8)
    ),
    "cluster_gap": NodeParameter(
        0.02, "Scenes: objects that are nearer to each other than this are one, metres.", (0.002, 0.2)
    ),
    "min_object_points": NodeParameter(
        100, "Scenes: clusters with fewer points are not taken for objects.", (MIN_POINTS, 1_000_000)
    ),
    "max_hint_distance": NodeParameter(
        0.05, "Scenes: how far from a request's object_hint without a box its object may be, metres.", (0.0, 1.0)
    ),
    "num_candidates": NodeParameter(
        16, "Grasps of a plan where the request does not say how many.", (1, MAX_CANDIDATES)
    ),
    "max_candidates": NodeParameter(128, "Most grasps that a request may ask for.", (1, MAX_CANDIDATES)),
    "num_marker_hands": NodeParameter(3, "Hands that the markers show, best first.", (0, 64)),
    "grasp_frames": NodeParameter(
        0, "Grasps that get tf frames, grasp_0/wrist and grasp_0/pregrasp being the best's. 0: none.", (0, 64)
    ),
    "diagnostics_period": NodeParameter(
        1.0, "Seconds between two messages on /diagnostics.", (0.1, 60.0), read_when="start"
    ),
}


def declare_parameters(node: Node) -> None:
    """Declares every parameter of PLANNER_PARAMETERS with its type, range and description."""
    for name, parameter in PLANNER_PARAMETERS.items():
        node.declare_parameter(name, parameter.default, _descriptor(parameter))


def read_settings(node: Node, changes: Mapping[str, Any] | None = None) -> PlannerSettings:
    """The settings as they are now, or as they would be after some changes.

    Raises:
        ConfigurationError: values that cannot be, alone or together.
    """
    values = {name: node.get_parameter(name).value for name in PLANNER_PARAMETERS} | dict(changes or {})
    return PlannerSettings(**{name: setting_from_value(name, value) for name, value in values.items()})


def setting_from_value(name: str, value: Any) -> Any:
    """A parameter's value as PlannerSettings holds it: arrays as tuples."""
    return tuple(value) if isinstance(PLANNER_PARAMETERS[name].default, list) else value


def _descriptor(parameter: NodeParameter) -> ParameterDescriptor:
    descriptor = ParameterDescriptor(
        description=parameter.description,
        additional_constraints=READ_WHEN[parameter.read_when],
        read_only=parameter.read_when == "start",
    )
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
