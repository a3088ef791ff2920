"""The observation that is made, for a request, of what the request brings and what the topics last said."""

from dataclasses import dataclass

import numpy as np
from rclpy.node import Node
from std_msgs.msg import Header

from funcgrasp_core.contracts import ObjectObservation
from funcgrasp_core.errors import InvalidRequestError
from funcgrasp_ros import msg
from funcgrasp_ros.camera_inputs import CameraInputs
from funcgrasp_ros.camera_views import views_from_cameras
from funcgrasp_ros.cloud_inputs import CloudInputs, fuse_clouds
from funcgrasp_ros.conversions.requests import is_hint_given, object_hint_from_message
from funcgrasp_ros.frame_transforms import FrameTransforms
from funcgrasp_ros.latest_message import InputHealth, stamp_ns
from funcgrasp_ros.object_choice import ObjectHint
from funcgrasp_ros.planner_settings import PlannerSettings
from funcgrasp_ros.scene_segmentation import segment_object


@dataclass(frozen=True)
class PreparedInput:
    """What a request is planned on.

    Attributes:
        observation: points and views in the planning frame.
        header: planning frame, and the stamp of the cloud, the newest if there are several.
        notes: sentences about what was put together, left out and cut off.
    """

    observation: ObjectObservation
    header: Header
    notes: tuple[str, ...]


class ObjectInputs:
    """Listens to clouds, cameras and tf until it is closed.

    Args:
        node: whose executor runs the callbacks.
        settings: name the topics.
    """

    def __init__(self, node: Node, settings: PlannerSettings):
        self._transforms = FrameTransforms(node)
        self._clouds = CloudInputs(node, settings.cloud_topics)
        self._cameras = CameraInputs(node, settings, self._transforms)

    def close(self) -> None:
        """Stops listening; a request that is being prepared is prepared with what is known."""
        self._clouds.close()
        self._cameras.close()
        self._transforms.close()

    def health(self) -> list[InputHealth]:
        """How each cloud and image topic is doing."""
        return [*self._clouds.health(), *self._cameras.health()]

    def prepare(self, request: msg.GraspRequest, settings: PlannerSettings) -> PreparedInput:
        """Points and views that the request brings, or else the newest of the topics; of a scene, its object.

        Raises:
            NoCloudError, StaleInputError: no usable cloud.
            CloudFieldsError, MalformedCloudError, BadImageError: a message contradicts itself.
            NoTransformError: the frame of a cloud or of the hint is not connected to the planning frame.
            InvalidRequestError: the hint makes no sense, or there is no scene to choose in.
            ObjectNotFoundError, ObjectHintError, EmptyCloudError, NotFiniteError: the scene shows no such object.
            MissingDependencyError: scenes need open3d.
        """
        is_hinted = is_hint_given(request.object_hint)
        if is_hinted and settings.object_source != "scene":
            raise InvalidRequestError(
                "Request: 'object_hint' chooses an object of a scene, but the parameter 'object_source' is "
                f"'{settings.object_source}'; leave the hint empty, or set the parameter to 'scene'."
            )
        clouds, cloud_notes = self._clouds.choose(request, settings.max_cloud_age)
        newest = max((cloud.header for cloud in clouds), key=stamp_ns)
        planning_frame = settings.planning_frame or newest.frame_id
        points, fusion_notes = fuse_clouds(clouds, planning_frame, self._transforms, settings.transform_timeout)
        notes = [*cloud_notes, *fusion_notes]
        if settings.object_source == "scene":
            hint = self._hint(request.object_hint, planning_frame, settings) if is_hinted else None
            segmented = segment_object(points, settings.segmentation, hint)
            points = segmented.points
            notes.append(segmented.note)
        cameras, camera_notes = self._cameras.choose(request, settings, planning_frame, newest)
        views, view_notes = {}, []
        # Looking for finite points takes longer than all else here: only where there are pictures to cut.
        finite_points = points[np.isfinite(points).all(axis=1)] if cameras else points[:0]
        if len(finite_points):
            views, view_notes = views_from_cameras(cameras, finite_points, settings.crop_margin)
        return PreparedInput(
            observation=ObjectObservation(points=points, views=views, frame=planning_frame),
            header=Header(stamp=newest.stamp, frame_id=planning_frame),
            notes=(*notes, *camera_notes, *view_notes),
        )

    def _hint(self, hint: msg.ObjectHint, planning_frame: str, settings: PlannerSettings) -> ObjectHint:
        planning_frame_then = Header(stamp=hint.header.stamp, frame_id=planning_frame)
        hint_frame_from_planning = self._transforms.matrix(
            hint.header.frame_id, planning_frame_then, settings.transform_timeout
        )
        return object_hint_from_message(hint, hint_frame_from_planning)
