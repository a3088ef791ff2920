"""The clouds that a request is planned on: its own, or the newest of the topics."""

from collections.abc import Sequence

import numpy as np
from rclpy.node import Node
from sensor_msgs.msg import PointCloud2

from funcgrasp_core.errors import NoCloudError, StaleInputError
from funcgrasp_ros import msg, qos_profiles
from funcgrasp_ros.conversions.clouds import is_empty_cloud, points_from_cloud
from funcgrasp_ros.conversions.transforms import transform_points
from funcgrasp_ros.frame_transforms import FrameTransforms
from funcgrasp_ros.latest_message import InputHealth, LatestMessage, is_too_far, seconds_between, stamp_ns


class CloudInputs:
    """Subscriptions to clouds; keeps the newest of each.

    Args:
        node: whose executor runs the callbacks.
        topics: empty ones are passed over.
    """

    def __init__(self, node: Node, topics: Sequence[str]):
        self._node = node
        self._latest: list[LatestMessage[PointCloud2]] = []
        self._subscriptions = []
        for topic in filter(None, topics):
            latest: LatestMessage[PointCloud2] = LatestMessage(node.resolve_topic_name(topic))
            self._latest.append(latest)
            self._subscriptions.append(
                node.create_subscription(PointCloud2, topic, latest.keep, qos_profiles.SENSOR_INPUT)
            )

    def close(self) -> None:
        """Ends the subscriptions."""
        for subscription in self._subscriptions:
            self._node.destroy_subscription(subscription)
        self._subscriptions.clear()

    def health(self) -> list[InputHealth]:
        """How each topic is doing."""
        return [latest.health() for latest in self._latest]

    def choose(self, request: msg.GraspRequest, max_age_s: float) -> tuple[list[PointCloud2], list[str]]:
        """The clouds to plan on, at least one, and sentences about those that are left out.

        Args:
            request: its own cloud is taken alone, whatever its age.
            max_age_s: of a topic's cloud; 0: any.

        Raises:
            NoCloudError: the request brings none and none has come.
            StaleInputError: all that have come are too old.
        """
        if not is_empty_cloud(request.cloud):
            return [request.cloud], []
        now_ns = self._node.get_clock().now().nanoseconds
        fresh, notes, num_stale = [], [], 0
        for latest in self._latest:
            cloud = latest.newest
            if cloud is None:
                notes.append(f"No cloud has arrived on '{latest.name}'.")
                continue
            age_s = seconds_between(stamp_ns(cloud.header), now_ns)
            if is_too_far(age_s, max_age_s):
                notes.append(f"The cloud of '{latest.name}' is not used: {age_text(age_s)}.")
                num_stale += 1
            else:
                fresh.append(cloud)
        if fresh:
            return fresh, notes
        if num_stale:
            raise StaleInputError(
                f"{' '.join(notes)} The parameter 'max_cloud_age' allows {max_age_s:g} s; publish a new cloud, "
                "synchronise the computers' clocks, set use_sim_time when playing a recording, or raise the parameter."
            )
        names = " or ".join(f"'{latest.name}'" for latest in self._latest) or "any topic ('cloud_topics' names none)"
        raise NoCloudError(
            f"No cloud has arrived on {names} and the request carries none; publish the object's cloud there, or send "
            "it with the request."
        )


def fuse_clouds(
    clouds: Sequence[PointCloud2], frame: str, transforms: FrameTransforms, timeout_s: float
) -> tuple[np.ndarray, list[str]]:
    """The points of all clouds in one frame.

    Returns:
        [N, 3] float32, and a sentence about what was put together if there are several clouds.

    Raises:
        CloudFieldsError, MalformedCloudError: a cloud contradicts itself.
        NoTransformError: the frame of a cloud is not connected to `frame`.
    """
    parts = []
    for cloud in clouds:
        points = points_from_cloud(cloud)
        if cloud.header.frame_id != frame:
            points = transform_points(transforms.matrix(frame, cloud.header, timeout_s), points)
        parts.append(points)
    if len(parts) == 1:
        return parts[0], []
    sizes = ", ".join(
        f"{len(points):,} points from '{cloud.header.frame_id}'" for points, cloud in zip(parts, clouds, strict=True)
    )
    return np.concatenate(parts), [f"Put {len(parts)} clouds together: {sizes}."]


def age_text(age_s: float | None) -> str:
    """An age for people: "it is 12.0 s old"."""
    if age_s is None:
        return "it carries no stamp"
    return f"it is {age_s:.1f} s old" if age_s >= 0 else f"it is stamped {-age_s:.1f} s in the future"
