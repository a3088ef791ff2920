"""The camera pictures that a request is planned with: its own, or the newest of the topics."""

from dataclasses import dataclass

from rclpy.node import Node
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header

from funcgrasp_core.errors import NoTransformError
from funcgrasp_ros import msg, qos_profiles
from funcgrasp_ros.camera_views import CameraGeometry, CameraImage
from funcgrasp_ros.cloud_inputs import age_text
from funcgrasp_ros.conversions.camera_infos import (
    camera_of_raw_picture,
    camera_of_rectified_picture,
    check_picture_size,
    has_camera_matrix,
)
from funcgrasp_ros.conversions.images import rgb_from_compressed_image, rgb_from_image
from funcgrasp_ros.frame_transforms import FrameTransforms
from funcgrasp_ros.latest_message import InputHealth, LatestMessage, is_too_far, seconds_between, stamp_ns
from funcgrasp_ros.planner_settings import PlannerSettings


@dataclass(frozen=True)
class CameraTopics:
    """What has come from one camera.

    Attributes:
        index: of the camera in the parameter `camera_topics`.
        name: as the parameter names it.
        image: its newest picture.
        camera_info: its newest calibration.
    """

    index: int
    name: str
    image: LatestMessage[Image | CompressedImage]
    camera_info: LatestMessage[CameraInfo]


@dataclass(frozen=True)
class Picture:
    """One picture to plan with, as it came.

    Attributes:
        name: of its camera, for people.
        image: the message.
        slot: view slot that somebody gave to the camera; empty if it is to be found out.
        camera_info: of the camera; None if unknown.
        is_rectified: R and P of `camera_info` hold, not K and D.
    """

    name: str
    image: Image | CompressedImage
    slot: str
    camera_info: CameraInfo | None
    is_rectified: bool


class CameraInputs:
    """Subscriptions to cameras; keeps the newest picture and calibration of each.

    Args:
        node: whose executor runs the callbacks.
        settings: name the topics.
        transforms: tell where the cameras stand.
    """

    def __init__(self, node: Node, settings: PlannerSettings, transforms: FrameTransforms):
        self._node = node
        self._transforms = transforms
        self._cameras: list[CameraTopics] = []
        self._subscriptions = []
        for index, name in enumerate(settings.camera_topics):
            if name:
                self._subscribe(index, name, settings.transport_of_camera(index))

    def close(self) -> None:
        """Ends the subscriptions."""
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)
        self._subscriptions.clear()

    def health(self) -> list[InputHealth]:
        """How the images of each camera are doing."""
        return [camera.image.health() for camera in self._cameras]

    def choose(
        self, request: msg.GraspRequest, settings: PlannerSettings, planning_frame: str, cloud_header: Header
    ) -> tuple[list[CameraImage], list[str]]:
        """Pictures with what is known of their cameras, and sentences about what is left out.

        Args:
            request: its own pictures are taken, and then no others.
            settings: limits of age and skew, and slots.
            planning_frame: in which cameras are placed.
            cloud_header: of the cloud that is planned on.

        Raises:
            BadImageError: a picture contradicts itself or its CameraInfo.
        """
        pictures, notes = _pictures_of(request), []
        if not pictures:
            pictures, notes = self._newest_pictures(settings, cloud_header)
        cameras = []
        for picture in pictures:
            camera, note = self._camera_image(picture, planning_frame, settings.transform_timeout)
            cameras.append(camera)
            notes += [note] if note else []
        return cameras, notes

    def _newest_pictures(self, settings: PlannerSettings, cloud_header: Header) -> tuple[list[Picture], list[str]]:
        """What the topics last said, and sentences about what is not of the time of the cloud."""
        pictures, notes = [], []
        for camera in self._cameras:
            image = camera.image.newest
            if image is None:
                continue
            objection = self._objection_to_time(image.header, cloud_header, settings)
            if objection:
                notes.append(f"The image of {camera.name} is not used: {objection}.")
                continue
            slot, is_rectified = settings.slot_of_camera(camera.index), settings.is_rectified(camera.index)
            pictures.append(Picture(camera.name, image, slot, camera.camera_info.newest, is_rectified))
        return pictures, notes

    def _subscribe(self, index: int, name: str, transport: str) -> None:
        image_topic, image_type = f"{name}/image", Image
        if transport == "compressed":
            image_topic, image_type = f"{name}/image/compressed", CompressedImage
        info_topic = f"{name}/camera_info"
        resolve = self._node.resolve_topic_name
        camera = CameraTopics(index, name, LatestMessage(resolve(image_topic)), LatestMessage(resolve(info_topic)))
        self._cameras.append(camera)
        create, profile = self._node.create_subscription, qos_profiles.SENSOR_INPUT
        self._subscriptions.append(create(image_type, image_topic, camera.image.keep, profile))
        self._subscriptions.append(create(CameraInfo, info_topic, camera.camera_info.keep, profile))

    def _objection_to_time(self, header: Header, cloud_header: Header, settings: PlannerSettings) -> str:
        """Why an image is not of the time of the cloud, or of now; empty if it is."""
        age_s = seconds_between(stamp_ns(header), self._node.get_clock().now().nanoseconds)
        if is_too_far(age_s, settings.max_image_age):
            return f"{age_text(age_s)}, 'max_image_age' allows {settings.max_image_age:g} s"
        skew_s = seconds_between(stamp_ns(cloud_header), stamp_ns(header))
        if skew_s is not None and is_too_far(skew_s, settings.max_camera_skew):
            side = "after" if skew_s > 0 else "before"
            return (
                f"it was taken {abs(skew_s):.2f} s {side} the cloud, 'max_camera_skew' allows "
                f"{settings.max_camera_skew:g} s"
            )
        return ""

    def _camera_image(self, picture: Picture, planning_frame: str, timeout_s: float) -> tuple[CameraImage, str]:
        """The picture with what is known of its camera, and a sentence about what is not right with it, or nothing."""
        name, image, info = picture.name, picture.image, picture.camera_info
        pixels = rgb_from_compressed_image(image) if isinstance(image, CompressedImage) else rgb_from_image(image)
        if picture.slot:
            return CameraImage(name, pixels, picture.slot), ""
        if info is None:
            return CameraImage(name, pixels, objection="its CameraInfo is missing"), ""
        if not picture.is_rectified and not has_camera_matrix(info):
            return CameraImage(name, pixels, objection="its CameraInfo holds no camera matrix K"), ""
        check_picture_size(info, pixels.shape[1], pixels.shape[0], name)
        camera = camera_of_rectified_picture(info, name) if picture.is_rectified else camera_of_raw_picture(info)
        try:
            planning_from_optical = self._transforms.matrix(planning_frame, image.header, timeout_s)
        except NoTransformError:
            # The camera is named in the plan's notes: a missing view is allowed, a missing cloud is not.
            objection = f"there is no transform from its frame '{image.header.frame_id}' to '{planning_frame}'"
            return CameraImage(name, pixels, objection=objection), ""
        note = ""
        if camera.lens_objection:
            note = f"The image of {name} is cropped as if its lens were straight: {camera.lens_objection}."
        planning_from_camera = planning_from_optical @ camera.optical_from_picture
        geometry = CameraGeometry(camera.matrix, planning_from_camera, camera.lens)
        return CameraImage(name, pixels, geometry=geometry), note


def _pictures_of(request: msg.GraspRequest) -> list[Picture]:
    """The request's own pictures; `request_from_message` has seen to it that its lists fit together."""
    field = "images" if len(request.images) else "compressed_images"
    return [
        Picture(
            f"request.{field}[{index}]",
            image,
            request.view_slots[index] if len(request.view_slots) else "",
            request.camera_infos[index] if len(request.camera_infos) else None,
            request.images_are_rectified,
        )
        for index, image in enumerate(getattr(request, field))
    ]
