"""Publishers and subscriptions, and the warning when their policies do not fit."""

import inspect
import time
from collections.abc import Callable
from typing import Any

from embedded_ros.callback_groups import CallbackGroup, ReentrantCallbackGroup
from embedded_ros.clocks import Duration
from embedded_ros.errors import refuse_members
from embedded_ros.interface_table import dds_type_name, type_hash
from embedded_ros.message_classes import Message, decode_body, encode_body
from embedded_ros.qos import QoSProfile, dds_topic_name, policy_name, wire_qos
from embedded_ros.waitables import Waitable
from embedded_ros.wire import RawReader, RawWriter


class QosEvent(Waitable):
    """Warns when a counterpart is refused because its policies do not fit."""

    def __init__(self, node: Any, endpoint: RawReader | RawWriter, topic: str, callback: Callable[[Any], None] | None):
        self.callback_group = ReentrantCallbackGroup()
        self.wait_handle = endpoint.handle
        self._node, self._endpoint, self._topic, self._callback = node, endpoint, topic, callback

    def take(self, executor: Any) -> Callable[[], Any] | None:
        """The warning, if the count of refused counterparts has grown."""
        status = self._endpoint.incompatible_qos()
        if status.change == 0:
            return None
        callback = self._callback
        if callback is not None:
            return lambda: callback(status)
        is_reader = isinstance(self._endpoint, RawReader)
        found, lost = ("publisher", "received from it") if is_reader else ("subscription", "sent to it")
        verb = "offering" if is_reader else "requesting"
        text = f"New {found} discovered on topic '{self._topic}', {verb} incompatible QoS. "
        text += f"No messages will be {lost}. Last incompatible policy: {policy_name(status.policy)}"
        return lambda: self._node.get_logger().warning(text)


class Publisher:
    """Sends messages of one type on one topic."""

    def __init__(self, node: Any, msg_type: type[Message], topic: str, qos_profile: QoSProfile):
        self._node, self.msg_type, self.topic, self.qos_profile = node, msg_type, topic, qos_profile
        user_data = f"typehash={type_hash(msg_type.FULL_NAME)};"
        self._context = node.context
        self.raw = RawWriter(
            node.context.participant, dds_topic_name("rt", topic, qos_profile), dds_type_name(msg_type.FULL_NAME),
            wire_qos(qos_profile, user_data, is_writer=True),
        )  # fmt: skip

    @property
    def topic_name(self) -> str:
        """The absolute name."""
        return self.topic

    @property
    def logger_name(self) -> str:
        """The name of the node's logger."""
        return self._node.get_logger().name

    @property
    def is_usable(self) -> bool:
        """Whether messages can still be sent."""
        return self._context.ok() and self.raw.exists

    def publish(self, msg: Message | bytes) -> None:
        """Send a message, or one that is serialised already."""
        if isinstance(msg, self.msg_type):
            body = bytearray()
            encode_body(msg, body)
            self.raw.write(body)
        elif isinstance(msg, bytes):
            self.raw.write(msg[4:], msg[:4])
        else:
            raise TypeError(f"Expected {self.msg_type}, got {type(msg)}")

    def get_subscription_count(self) -> int:
        """How many subscriptions receive from this publisher."""
        return self.raw.num_matched()

    def wait_for_all_acked(self, timeout: Duration | None = None) -> bool:
        """Wait until reliable subscriptions have everything; a negative or no timeout waits for ever."""
        limit_ns = -1 if timeout is None else timeout.nanoseconds
        return self.raw.wait_for_acknowledgements(2**63 - 1 if limit_ns < 0 else limit_ns)

    def destroy(self) -> None:
        """Stop publishing."""
        self.raw.delete()


refuse_members(Publisher, "assert_liveliness")


class Subscription(Waitable):
    """Calls back with each message of one topic."""

    def __init__(
        self, node: Any, msg_type: type[Message], topic: str, callback: Callable[..., Any],
        callback_group: CallbackGroup, qos_profile: QoSProfile, raw: bool,
    ):  # fmt: skip
        self.msg_type, self.topic, self.qos_profile, self.raw = msg_type, topic, qos_profile, raw
        self.callback, self.callback_group = callback, callback_group
        self._wants_info = _accepts_two_arguments(callback)
        user_data = f"typehash={type_hash(msg_type.FULL_NAME)};"
        self.reader = RawReader(
            node.context.participant, dds_topic_name("rt", topic, qos_profile), dds_type_name(msg_type.FULL_NAME),
            wire_qos(qos_profile, user_data, is_writer=False),
        )  # fmt: skip
        self.wait_handle = self.reader.condition

    @property
    def topic_name(self) -> str:
        """The absolute name."""
        return self.topic

    def get_publisher_count(self) -> int:
        """How many publishers this subscription receives from."""
        return self.reader.num_matched()

    def take(self, executor: Any) -> Callable[[], Any] | None:
        """The callback with the next message."""
        sample = self.reader.take()
        if sample is None:
            return None
        message = (
            sample.header + bytes(sample.body) if self.raw else decode_body(self.msg_type, sample.header, sample.body)
        )
        if not self._wants_info:
            return lambda: self.callback(message)
        info = {"source_timestamp": sample.source_timestamp_ns, "received_timestamp": time.time_ns()}
        return lambda: self.callback(message, info)

    def destroy(self) -> None:
        """Stop receiving."""
        self.reader.delete()


def _accepts_two_arguments(callback: Callable[..., Any]) -> bool:
    try:
        inspect.signature(callback).bind(object())
        return False
    except TypeError:
        return True
