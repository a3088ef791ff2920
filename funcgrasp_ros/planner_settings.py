"""The planner node's settings: the values of its parameters, checked alone and against each other."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from funcgrasp_core.contracts import VIEW_SLOTS
from funcgrasp_core.errors import ConfigurationError
from funcgrasp_core.hand.hand_layer_factory import HandBackend
from funcgrasp_ros.scene_segmentation import SegmentationConfig

DEVICE_PATTERN = re.compile(r"cpu|cuda(:\d+)?")
TOPIC_PATTERN = re.compile(r"/?[A-Za-z_]\w*(/[A-Za-z_]\w*)*")
MAX_WORKSPACE_REACH_M = 100.0

ObjectSource = Literal["cloud", "scene"]
CameraTransport = Literal["raw", "compressed"]
CameraPicture = Literal["raw", "rectified"]


@dataclass(frozen=True)
class PlannerSettings:
    """Values of `node_parameters.PLANNER_PARAMETERS`. Fields have the parameters' names; arrays are tuples.

    Raises:
        ConfigurationError: values that cannot be, alone or together.
    """

    autostart: bool
    checkpoint: str
    semantic_model: str
    hand_file: str
    hand_backend: HandBackend
    device: str
    num_threads: int
    queue_size: int
    planning_frame: str
    transform_timeout: float
    object_source: ObjectSource
    cloud_topics: tuple[str, ...]
    max_cloud_age: float
    camera_topics: tuple[str, ...]
    camera_transports: tuple[str, ...]
    camera_pictures: tuple[str, ...]
    camera_slots: tuple[str, ...]
    max_image_age: float
    max_camera_skew: float
    crop_margin: float
    workspace_min: tuple[float, ...]
    workspace_max: tuple[float, ...]
    table_tolerance: float
    max_table_tilt: float
    cluster_gap: float
    min_object_points: int
    max_hint_distance: float
    num_candidates: int
    max_candidates: int
    num_marker_hands: int
    grasp_frames: int
    diagnostics_period: float

    def __post_init__(self):
        if not DEVICE_PATTERN.fullmatch(self.device):
            raise ConfigurationError(f"Parameter 'device' is '{self.device}'; expected cpu, cuda or cuda:N.")
        _check_choice("hand_backend", [self.hand_backend], get_args(HandBackend))
        _check_choice("object_source", [self.object_source], get_args(ObjectSource))
        if self.num_candidates > self.max_candidates:
            raise ConfigurationError(
                f"Parameter 'num_candidates' is {self.num_candidates}, more than 'max_candidates', "
                f"{self.max_candidates}; lower the first or raise the second."
            )
        self._check_clouds()
        self._check_cameras()
        self._check_workspace()

    def slot_of_camera(self, index: int) -> str:
        """View slot that the parameters give to a camera; empty if it is to be found out."""
        return self.camera_slots[index] if self.camera_slots != ("",) else ""

    def transport_of_camera(self, index: int) -> str:
        """One of CameraTransport: how the images of a camera come."""
        return self.camera_transports[index if len(self.camera_transports) > 1 else 0]

    def is_rectified(self, index: int) -> bool:
        """Whether the images of a camera are rectified already."""
        return self.camera_pictures[index if len(self.camera_pictures) > 1 else 0] == "rectified"

    @property
    def segmentation(self) -> SegmentationConfig:
        """How scenes are taken apart."""
        return SegmentationConfig(
            workspace_min=self.workspace_min,
            workspace_max=self.workspace_max,
            table_tolerance_m=self.table_tolerance,
            max_table_tilt_rad=self.max_table_tilt,
            cluster_gap_m=self.cluster_gap,
            min_object_points=self.min_object_points,
            max_hint_distance_m=self.max_hint_distance,
        )

    def _check_clouds(self) -> None:
        _check_topics("cloud_topics", self.cloud_topics)
        if len(self.cloud_topics) > 1 and not self.planning_frame:
            raise ConfigurationError(
                f"Parameter 'cloud_topics' has {len(self.cloud_topics)} topics, but 'planning_frame' is empty; name "
                "the frame, z up, in which the clouds are put together."
            )

    def _check_cameras(self) -> None:
        _check_topics("camera_topics", self.camera_topics)
        _check_choice("camera_transports", self.camera_transports, get_args(CameraTransport))
        _check_choice("camera_pictures", self.camera_pictures, get_args(CameraPicture))
        _check_choice("camera_slots", self.camera_slots, (*VIEW_SLOTS, ""))
        num_cameras = len(self.camera_topics)
        for name in ("camera_transports", "camera_pictures"):
            num_values = len(getattr(self, name))
            if num_values not in (1, num_cameras):
                raise ConfigurationError(
                    f"Parameter '{name}' has {num_values} values for {num_cameras} 'camera_topics'; give one for each "
                    "camera, or a single one for all."
                )
        if self.camera_slots != ("",) and len(self.camera_slots) != num_cameras:
            raise ConfigurationError(
                f"Parameter 'camera_slots' has {len(self.camera_slots)} values for {num_cameras} 'camera_topics'; give "
                "one for each camera, or a single empty text."
            )
        named = [slot for slot in self.camera_slots if slot]
        if len(set(named)) != len(named):
            raise ConfigurationError(f"Parameter 'camera_slots' names a slot twice: {named}; one camera a slot.")

    def _check_workspace(self) -> None:
        for name in ("workspace_min", "workspace_max"):
            corner = getattr(self, name)
            # A comparison that is not a number's is false.
            if len(corner) != 3 or not all(abs(value) <= MAX_WORKSPACE_REACH_M for value in corner):
                raise ConfigurationError(
                    f"Parameter '{name}' is {list(corner)}; expected x, y and z in metres, at most "
                    f"{MAX_WORKSPACE_REACH_M:g} m from the planning frame's origin."
                )
        if not all(low < high for low, high in zip(self.workspace_min, self.workspace_max, strict=True)):
            raise ConfigurationError(
                f"Parameter 'workspace_min' is {list(self.workspace_min)}, 'workspace_max' {list(self.workspace_max)}; "
                "the first must be lower in x, y and z."
            )


def _check_choice(name: str, values: Sequence[str], allowed: Sequence[str]) -> None:
    for value in values:
        if value not in allowed:
            expected = ", ".join(choice or "an empty text" for choice in allowed)
            raise ConfigurationError(f"Parameter '{name}' holds '{value}'; expected {expected}.")


def _check_topics(name: str, topics: Sequence[str]) -> None:
    for topic in topics:
        if topic and not TOPIC_PATTERN.fullmatch(topic):
            raise ConfigurationError(f"Parameter '{name}' holds '{topic}', which cannot be a topic's name.")
    named = [topic for topic in topics if topic]
    if len(set(named)) != len(named):
        raise ConfigurationError(f"Parameter '{name}' names a topic twice: {named}; name each once.")
