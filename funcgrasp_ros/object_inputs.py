"""What the node has last heard of the object, and the observation that is made of it for a request."""

from dataclasses import dataclass

import numpy as np
import tf2_ros
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.time import Time
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from std_msgs.msg import Header

from funcgrasp_core.contracts import ObjectObservation
from funcgrasp_core.errors import BadImageError, NoCloudError, NoTransformError, StaleInputError
from funcgrasp_ros import msg, qos_profiles
from funcgrasp_ros.camera_views import CameraGeometry, CameraImage, views_from_cameras
from funcgrasp_ros.conversions.clouds import is_empty_cloud, points_from_cloud
from funcgrasp_ros.conversions.images import rgb_from_image
from funcgrasp_ros.conversions.transforms import matrix_from_transform, transform_points
from funcgrasp_ros.node_parameters import PlannerSettings


@dataclass(frozen=True)
class PreparedInput:
    """What a request is planned on.

    Attributes:
        observation: points and views in the planning frame.
        header: planning frame, and the stamp of the cloud.
        notes: sentences about inputs that were left out.
    """

    observation: ObjectObservation
    header: Header
    notes: tuple[str, ...]


class ObjectInputs:
    """Subscriptions to cloud and cameras; keeps the newest of each.

    Args:
        node: whose executor runs the callbacks.
        settings: of the node.
    """

    def __init__(self, node: Node, settings: PlannerSettings):
        self._node = node
        self._settings = settings
        self._cloud: PointCloud2 | None = None
        self._images: dict[int, Image] = {}
        self._camera_infos: dict[int, CameraInfo] = {}
        self._transforms = tf2_ros.Buffer()
        self._transform_listener = tf2_ros.TransformListener(self._transforms, node)
        self._subscriptions = [
            node.create_subscription(PointCloud2, "object_cloud", self._keep_cloud, qos_profiles.SENSOR_INPUT)
        ]
        for index, topic in enumerate(settings.camera_topics):
            if topic:
                self._subscribe_camera(index, topic)

    def close(self) -> None:
        """Ends the subscriptions."""
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)
        self._subscriptions.clear()
        self._transform_listener.unregister()

    def prepare(self, request: msg.GraspRequest) -> PreparedInput:
        """Points and views that the request brings, or else the newest of the topics.

        Raises:
            NoCloudError, StaleInputError: no usable cloud.
            CloudFieldsError, MalformedCloudError, BadImageError: a message contradicts itself.
            NoTransformError: the cloud's frame is not connected to the planning frame.
        """
        cloud = self._choose_cloud(request)
        planning_frame = self._settings.planning_frame or cloud.header.frame_id
        points = points_from_cloud(cloud)
        if planning_frame != cloud.header.frame_id:
            planning_from_cloud = self._transform(planning_frame, cloud.header)
            points = transform_points(planning_from_cloud, points)
        cameras, notes = self._cameras(request, planning_frame)
        finite_points = points[np.isfinite(points).all(axis=1)]
        if cameras and len(finite_points):
            views, camera_notes = views_from_cameras(cameras, finite_points, self._settings.crop_margin)
        else:
            views, camera_notes = {}, []
        return PreparedInput(
            observation=ObjectObservation(points=points, views=views, frame=planning_frame),
            header=Header(stamp=cloud.header.stamp, frame_id=planning_frame),
            notes=(*notes, *camera_notes),
        )

    def _subscribe_camera(self, index: int, topic: str) -> None:
        def keep_image(message: Image) -> None:
            self._images[index] = message

        def keep_camera_info(message: CameraInfo) -> None:
            self._camera_infos[index] = message

        create, profile = self._node.create_subscription, qos_profiles.SENSOR_INPUT
        self._subscriptions.append(create(Image, f"{topic}/image", keep_image, profile))
        self._subscriptions.append(create(CameraInfo, f"{topic}/camera_info", keep_camera_info, profile))

    def _keep_cloud(self, message: PointCloud2) -> None:
        self._cloud = message

    def _choose_cloud(self, request: msg.GraspRequest) -> PointCloud2:
        if not is_empty_cloud(request.cloud):
            return request.cloud
        if self._cloud is None:
            raise NoCloudError(
                f"No cloud has arrived on '{self._node.resolve_topic_name('object_cloud')}' and the request carries "
                "none; publish the object's cloud there, or send it with the request."
            )
        age_s = self._age_s(self._cloud.header)
        if self._is_stale(self._cloud.header):
            raise StaleInputError(
                f"The newest cloud is {age_s:.1f} s old, more than the parameter 'max_input_age' "
                f"({self._settings.max_input_age:g} s) allows; publish a new one, set use_sim_time when playing a "
                "recording, or raise the parameter."
            )
        return self._cloud

    def _cameras(self, request: msg.GraspRequest, planning_frame: str) -> tuple[list[CameraImage], list[str]]:
        """Cameras with what is known of them, and sentences about those that are left out."""
        if len(request.images):
            return self._requested_cameras(request, planning_frame), []
        cameras, notes = [], []
        for index, image in sorted(self._images.items()):
            name = self._settings.camera_topics[index]
            if self._is_stale(image.header):
                notes.append(f"The image of {name} is not used: it is {self._age_s(image.header):.1f} s old.")
                continue
            slot = self._settings.slot_of_camera(index)
            cameras.append(self._camera(name, image, slot, self._camera_infos.get(index), planning_frame))
        return cameras, notes

    def _requested_cameras(self, request: msg.GraspRequest, planning_frame: str) -> list[CameraImage]:
        cameras = []
        for index, image in enumerate(request.images):
            slot = request.view_slots[index] if len(request.view_slots) else ""
            camera_info = request.camera_infos[index] if len(request.camera_infos) else None
            cameras.append(self._camera(f"request.images[{index}]", image, slot, camera_info, planning_frame))
        return cameras

    def _camera(
        self, name: str, image: Image, slot: str, camera_info: CameraInfo | None, planning_frame: str
    ) -> CameraImage:
        pixels = rgb_from_image(image)
        # An uncalibrated driver sends zeros.
        if slot or camera_info is None or camera_info.k[0] == 0.0:
            return CameraImage(name, pixels, slot)
        if (camera_info.height, camera_info.width) != pixels.shape[:2]:
            raise BadImageError(
                f"Image of {name}: {pixels.shape[1]} x {pixels.shape[0]} pixels, but its CameraInfo is for "
                f"{camera_info.width} x {camera_info.height}; publish the CameraInfo of this picture's size."
            )
        try:
            planning_from_camera = self._transform(planning_frame, image.header)
        except NoTransformError:
            # The camera is named in the plan's notes: a missing view is allowed, a missing cloud is not.
            return CameraImage(name, pixels)
        return CameraImage(
            name, pixels, geometry=CameraGeometry(np.asarray(camera_info.k).reshape(3, 3), planning_from_camera)
        )

    def _transform(self, target_frame: str, source: Header) -> np.ndarray:
        try:
            transform = self._transforms.lookup_transform(
                target_frame,
                source.frame_id,
                Time.from_msg(source.stamp),
                Duration(seconds=self._settings.transform_timeout),
            )
        except tf2_ros.TransformException as error:
            raise NoTransformError(
                f"There is no transform from frame '{source.frame_id}' to '{target_frame}' ({error}); publish it on "
                "tf, or correct the message's frame_id or the parameter 'planning_frame'."
            ) from error
        return matrix_from_transform(transform.transform)

    def _age_s(self, header: Header) -> float:
        return (self._node.get_clock().now() - Time.from_msg(header.stamp)).nanoseconds * 1e-9

    def _is_stale(self, header: Header) -> bool:
        if header.stamp.sec == 0 and header.stamp.nanosec == 0:
            return False  # a publisher that does not stamp: its age is unknown, and tf takes the newest transform
        return self._settings.max_input_age > 0 and self._age_s(header) > self._settings.max_input_age
