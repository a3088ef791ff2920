"""tf2 for Python: a buffer of frames, its listener and its broadcasters."""

import bisect
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from embedded_ros.callback_groups import ReentrantCallbackGroup
from embedded_ros.errors import NotInSubsetError, refuse_members
from embedded_ros.message_classes import message_class
from embedded_ros.qos import DurabilityPolicy, QoSProfile
from embedded_ros.times import NANOSECONDS, ClockType, Duration, Time

_MAX_CHAIN = 1000


class TransformException(Exception):  # noqa: N818 (these names are tf2's own)
    """Base of tf2's errors."""


class LookupException(TransformException):
    """A frame is unknown."""


class ConnectivityException(TransformException):
    """Two frames are not connected."""


class ExtrapolationException(TransformException):
    """There is no transform at the time asked for."""


class InvalidArgumentException(TransformException):
    """A frame's name is invalid."""


class TimeoutException(TransformException):
    """A transform did not become available in time."""


def _static_qos(depth: int) -> QoSProfile:
    return QoSProfile(depth=depth, durability=DurabilityPolicy.TRANSIENT_LOCAL)


def _rotate(quaternion: np.ndarray, vector: np.ndarray) -> np.ndarray:
    """A vector [3] turned by a unit quaternion [4] x, y, z, w."""
    turn = 2 * np.cross(quaternion[:3], vector)
    return vector + quaternion[3] * turn + np.cross(quaternion[:3], turn)


def _multiply(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """The rotation that does `second`, then `first`; both [4] x, y, z, w."""
    vector = first[3] * second[:3] + second[3] * first[:3] + np.cross(first[:3], second[:3])
    return np.append(vector, first[3] * second[3] - first[:3] @ second[:3])


class _Pose:
    """parent_from_child: a translation [3] and a unit quaternion [4]."""

    def __init__(self, translation: np.ndarray, quaternion: np.ndarray):
        self.translation, self.quaternion = translation, quaternion

    def __matmul__(self, other: "_Pose") -> "_Pose":
        translation = self.translation + _rotate(self.quaternion, other.translation)
        return _Pose(translation, _multiply(self.quaternion, other.quaternion))

    def inverse(self) -> "_Pose":
        quaternion = self.quaternion * np.array([-1.0, -1.0, -1.0, 1.0])
        return _Pose(-_rotate(quaternion, self.translation), quaternion)

    def blend(self, other: "_Pose", fraction: float) -> "_Pose":
        """Between this pose (0) and the other (1): linear, and spherical for the rotation."""
        cosine = float(np.dot(self.quaternion, other.quaternion))
        target = other.quaternion if cosine >= 0 else -other.quaternion
        angle = np.arccos(min(1.0, abs(cosine)))
        weights = (1 - fraction, fraction)
        if angle > 1e-6:
            weights = (np.sin((1 - fraction) * angle) / np.sin(angle), np.sin(fraction * angle) / np.sin(angle))
        quaternion = weights[0] * self.quaternion + weights[1] * target
        translation = (1 - fraction) * self.translation + fraction * other.translation
        return _Pose(translation, quaternion / np.linalg.norm(quaternion))


class _Link:
    """The known poses of one frame in its parent."""

    def __init__(self, parent: str, is_static: bool):
        self.parent, self.is_static = parent, is_static
        self.stamps_ns: list[int] = []
        self.poses: list[_Pose] = []

    def insert(self, stamp_ns: int, pose: _Pose, cache_ns: int) -> None:
        if self.is_static:
            self.stamps_ns, self.poses = [0], [pose]
            return
        position = bisect.bisect_left(self.stamps_ns, stamp_ns)
        if position < len(self.stamps_ns) and self.stamps_ns[position] == stamp_ns:
            self.poses[position] = pose
        else:
            self.stamps_ns.insert(position, stamp_ns)
            self.poses.insert(position, pose)
        outdated = bisect.bisect_left(self.stamps_ns, self.stamps_ns[-1] - cache_ns)
        del self.stamps_ns[:outdated], self.poses[:outdated]

    def at(self, time_ns: int, child: str) -> _Pose:
        """The pose at a time; 0 means the newest."""
        if self.is_static or time_ns == 0:
            return self.poses[-1]
        if not self.stamps_ns[0] <= time_ns <= self.stamps_ns[-1]:
            side = "past" if time_ns < self.stamps_ns[0] else "future"
            known = self.stamps_ns[0] if side == "past" else self.stamps_ns[-1]
            raise ExtrapolationException(
                f"Lookup would require extrapolation into the {side}. Requested time {time_ns / NANOSECONDS:.6f} but "
                f"the data nearest to it is at time {known / NANOSECONDS:.6f}, when looking up frame [{child}]"
            )
        after = bisect.bisect_left(self.stamps_ns, time_ns)
        if self.stamps_ns[after] == time_ns:
            return self.poses[after]
        start, end = self.stamps_ns[after - 1], self.stamps_ns[after]
        return self.poses[after - 1].blend(self.poses[after], (time_ns - start) / (end - start))


class Buffer:
    """Remembers transforms and answers which transform lies between two frames."""

    def __init__(self, cache_time: Duration | None = None, node: Any = None):
        self._cache_ns = (cache_time or Duration(seconds=10)).nanoseconds
        self._links: dict[str, _Link] = {}
        self._changed = threading.Condition()

    def set_transform(self, transform: Any, authority: str) -> None:
        """Remember a geometry_msgs/TransformStamped."""
        self._insert(transform, is_static=False)

    def set_transform_static(self, transform: Any, authority: str) -> None:
        """Remember a geometry_msgs/TransformStamped that holds for ever."""
        self._insert(transform, is_static=True)

    def _insert(self, message: Any, is_static: bool) -> None:
        parent, child = message.header.frame_id.lstrip("/"), message.child_frame_id.lstrip("/")
        move, turn = message.transform.translation, message.transform.rotation
        translation, quaternion = np.array([move.x, move.y, move.z]), np.array([turn.x, turn.y, turn.z, turn.w])
        norm = np.linalg.norm(quaternion)
        if not parent or not child or parent == child:
            raise InvalidArgumentException(f"cannot use a transform from '{parent}' to '{child}'")
        if not np.isfinite(translation).all() or not abs(norm - 1) < 0.1:
            raise InvalidArgumentException(
                f"the transform from '{parent}' to '{child}' is not finite or not a rotation"
            )
        with self._changed:
            link = self._links.get(child)
            if link is None or link.parent != parent or link.is_static != is_static:
                link = self._links[child] = _Link(parent, is_static)
            stamp_ns = Time.from_msg(message.header.stamp).nanoseconds
            link.insert(stamp_ns, _Pose(translation, quaternion / norm), self._cache_ns)
            self._changed.notify_all()

    def lookup_transform(
        self, target_frame: str, source_frame: str, time: Time, timeout: Duration | None = None
    ) -> Any:  # fmt: skip
        """The geometry_msgs/TransformStamped target_from_source at a time; Time() means the newest.

        Raises:
            LookupException: a frame is unknown.
            ConnectivityException: the frames are not connected.
            ExtrapolationException: nothing is known of that time.
        """
        pose, stamp_ns = self._wait_for(target_frame, source_frame, time, timeout)
        message = message_class("geometry_msgs/msg/TransformStamped")(child_frame_id=source_frame)
        message.header.frame_id = target_frame
        message.header.stamp = Time(nanoseconds=stamp_ns, clock_type=ClockType.ROS_TIME).to_msg()
        for axis, value in zip("xyz", pose.translation, strict=True):
            setattr(message.transform.translation, axis, float(value))
        for axis, value in zip("xyzw", pose.quaternion, strict=True):
            setattr(message.transform.rotation, axis, float(value))
        return message

    def can_transform(
        self, target_frame: str, source_frame: str, time: Time, timeout: Duration | None = None,
        return_debug_tuple: bool = False,
    ) -> Any:  # fmt: skip
        """Whether the transform is known; with `return_debug_tuple` also why not."""
        reason = ""
        try:
            self._wait_for(target_frame, source_frame, time, timeout)
        except TransformException as error:
            reason = str(error)
        return (not reason, reason) if return_debug_tuple else not reason

    def _wait_for(self, target: str, source: str, moment: Time, timeout: Duration | None) -> tuple[_Pose, int]:
        """target_from_source and the time for which it holds, as soon as it is there; raises after the timeout."""
        end = time.monotonic() + (0.0 if timeout is None else timeout.nanoseconds / NANOSECONDS)
        with self._changed:
            while True:
                try:
                    return self._find(target, source, moment.nanoseconds)
                except TransformException:
                    left = end - time.monotonic()
                    if left <= 0:
                        raise
                    self._changed.wait(left)

    def _find(self, target: str, source: str, time_ns: int) -> tuple[_Pose, int]:
        """target_from_source, and the time for which it holds."""
        target, source = target.lstrip("/"), source.lstrip("/")
        parents = {link.parent for link in self._links.values()}
        for frame in (target, source):
            if frame not in self._links and frame not in parents and not target == source:
                raise LookupException(f'"{frame}" passed to lookupTransform argument does not exist.')
        target_chain, source_chain = self._chain(target), self._chain(source)
        common = next((frame for frame in source_chain if frame in target_chain), None)
        if common is None:
            raise ConnectivityException(f"Could not find a connection between '{target}' and '{source}'")
        used = [*source_chain[: source_chain.index(common)], *target_chain[: target_chain.index(common)]]
        moving = [self._links[frame] for frame in used if not self._links[frame].is_static]
        if time_ns == 0 and moving:
            # "The newest" is the newest moment that all links know of.
            time_ns = min(link.stamps_ns[-1] for link in moving)
        common_from_source = self._walk(source_chain, common, time_ns)
        common_from_target = self._walk(target_chain, common, time_ns)
        return common_from_target.inverse() @ common_from_source, time_ns

    def _chain(self, frame: str) -> list[str]:
        chain = [frame]
        while chain[-1] in self._links:
            chain.append(self._links[chain[-1]].parent)
            if len(chain) > _MAX_CHAIN:
                raise ConnectivityException(f"the frames above '{frame}' form a loop")
        return chain

    def _walk(self, chain: list[str], ancestor: str, time_ns: int) -> _Pose:
        pose = _Pose(np.zeros(3), np.array([0.0, 0.0, 0.0, 1.0]))
        for frame in chain[: chain.index(ancestor)]:
            pose = self._links[frame].at(time_ns, frame) @ pose
        return pose


refuse_members(
    Buffer, "transform", "transform_full", "lookup_transform_full", "can_transform_full", "lookup_transform_async",
    "wait_for_transform_async", "all_frames_as_string", "all_frames_as_yaml",
)  # fmt: skip


class TransformListener:
    """Feeds a buffer from /tf and /tf_static; the node's executor must spin."""

    def __init__(
        self, buffer: Buffer, node: Any, *, spin_thread: bool = False, qos: Any = None, static_qos: Any = None,
        tf_topic: str = "/tf", tf_static_topic: str = "/tf_static",
    ):  # fmt: skip
        if spin_thread:
            raise NotInSubsetError("TransformListener(spin_thread=True)", "spin the node in a thread of your own")
        self.buffer, self.node = buffer, node
        group = ReentrantCallbackGroup()
        tf_message = message_class("tf2_msgs/msg/TFMessage")
        self.tf_sub = node.create_subscription(
            tf_message, tf_topic, self.callback, qos or QoSProfile(depth=100), callback_group=group
        )
        self.tf_static_sub = node.create_subscription(
            tf_message, tf_static_topic, self.static_callback, static_qos or _static_qos(100), callback_group=group
        )

    def callback(self, data: Any) -> None:
        """Remember what /tf tells."""
        self._remember(data, self.buffer.set_transform)

    def static_callback(self, data: Any) -> None:
        """Remember what /tf_static tells."""
        self._remember(data, self.buffer.set_transform_static)

    def _remember(self, data: Any, remember: Callable[[Any, str], None]) -> None:
        for transform in data.transforms:
            try:
                remember(transform, "default_authority")
            except InvalidArgumentException as error:
                self.node.get_logger().error(f"Ignoring a transform: {error}", throttle_duration_sec=5.0)

    def unregister(self) -> None:
        """Stop listening."""
        self.node.destroy_subscription(self.tf_sub)
        self.node.destroy_subscription(self.tf_static_sub)


class TransformBroadcaster:
    """Publishes transforms on /tf."""

    def __init__(self, node: Any, qos: Any = None):
        self._message_class = message_class("tf2_msgs/msg/TFMessage")
        self.pub_tf = node.create_publisher(self._message_class, "/tf", qos or QoSProfile(depth=100))

    def sendTransform(self, transform: Any) -> None:  # noqa: N802 (tf2's own name)
        """Publish one geometry_msgs/TransformStamped or a list of them."""
        self.pub_tf.publish(self._message_class(transforms=_as_list(transform)))


class StaticTransformBroadcaster:
    """Publishes transforms that hold for ever; late listeners get all that this broadcaster ever sent.

    As in Jazzy, what was first sent of a frame counts: sending it again changes nothing.
    """

    def __init__(self, node: Any, qos: Any = None):
        self._message_class = message_class("tf2_msgs/msg/TFMessage")
        self.pub_tf = node.create_publisher(self._message_class, "/tf_static", qos or _static_qos(1))
        self._sent: dict[str, Any] = {}

    def sendTransform(self, transform: Any) -> None:  # noqa: N802 (tf2's own name)
        """Publish one geometry_msgs/TransformStamped or a list of them."""
        for item in _as_list(transform):
            self._sent.setdefault(item.child_frame_id, item)
        self.pub_tf.publish(self._message_class(transforms=list(self._sent.values())))


def _as_list(transform: Any) -> list[Any]:
    return list(transform) if hasattr(transform, "__iter__") else [transform]
