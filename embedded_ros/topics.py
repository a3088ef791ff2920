"""Publishers and subscriptions."""

import contextlib
import inspect
import time
from collections.abc import Callable
from enum import Enum
from typing import Any

from embedded_ros.callback_groups import CallbackGroup
from embedded_ros.dds_library import INFINITE_NS
from embedded_ros.events import EndpointEvents, EventHandler, PublisherEventCallbacks, SubscriptionEventCallbacks
from embedded_ros.interface_table import dds_type_name, type_hash
from embedded_ros.message_classes import Message, decode_body, encode_body
from embedded_ros.qos import QoSProfile, dds_topic_name, wire_qos
from embedded_ros.times import Duration, timeout_sec_to_nsec
from embedded_ros.waitables import Waitable
from embedded_ros.wire import RawReader, RawWriter, Sample, WaitSet


class Publisher:
    """Sends messages of one type on one topic."""

    def __init__(
        self, node: Any, msg_type: type[Message], topic: str, qos_profile: QoSProfile,
        event_callbacks: PublisherEventCallbacks | None = None, callback_group: CallbackGroup | None = None,
    ):  # fmt: skip
        self._node, self.msg_type, self.topic, self.qos_profile = node, msg_type, topic, qos_profile
        user_data = f"typehash={type_hash(msg_type.FULL_NAME)};"
        self._context = node.context
        self.raw = RawWriter(
            node.context.participant, dds_topic_name("rt", topic, qos_profile), dds_type_name(msg_type.FULL_NAME),
            wire_qos(qos_profile, user_data, is_writer=True),
        )  # fmt: skip
        self.events = EndpointEvents(
            self.raw, event_callbacks or PublisherEventCallbacks(), callback_group or node.default_callback_group,
            node.get_logger(), topic,
        )  # fmt: skip

    @property
    def event_handlers(self) -> list[EventHandler]:
        """What is called back for events."""
        return self.events.handlers

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

    def assert_liveliness(self) -> None:
        """Say that this publisher is alive, which the policy MANUAL_BY_TOPIC asks for."""
        self.raw.assert_liveliness()

    def destroy(self) -> None:
        """Stop publishing; `Node.destroy_publisher` also takes it off the node."""
        self.raw.delete()

    def __enter__(self) -> "Publisher":
        return self

    def __exit__(self, *_: object) -> None:
        self.destroy()


class Subscription(Waitable):
    """Calls back with each message of one topic."""

    class CallbackType(Enum):
        """What a callback takes."""

        MessageOnly = 0
        WithMessageInfo = 1

    def __init__(
        self, node: Any, msg_type: type[Message], topic: str, callback: Callable[..., Any],
        callback_group: CallbackGroup, qos_profile: QoSProfile, raw: bool,
        event_callbacks: SubscriptionEventCallbacks | None = None,
    ):  # fmt: skip
        self.msg_type, self.topic, self.qos_profile, self.raw = msg_type, topic, qos_profile, raw
        self.callback, self.callback_group = callback, callback_group
        user_data = f"typehash={type_hash(msg_type.FULL_NAME)};"
        self.reader = RawReader(
            node.context.participant, dds_topic_name("rt", topic, qos_profile), dds_type_name(msg_type.FULL_NAME),
            wire_qos(qos_profile, user_data, is_writer=False),
        )  # fmt: skip
        self.wait_handle = self.reader.condition
        self.events = EndpointEvents(
            self.reader, event_callbacks or SubscriptionEventCallbacks(), callback_group, node.get_logger(), topic
        )

    @property
    def callback(self) -> Callable[..., Any]:
        """What is called with the message, or with the message and a dictionary of its time stamps."""
        return self._callback

    @callback.setter
    def callback(self, value: Callable[..., Any]) -> None:
        signature = inspect.signature(value)
        for kind, arguments in zip(self.CallbackType, ((object(),), (object(), object())), strict=True):
            with contextlib.suppress(TypeError):
                signature.bind(*arguments)
                self._callback, self._callback_type = value, kind
                return
        raise RuntimeError("a subscription's callback takes one argument, the message, or two, message and info")

    @property
    def event_handlers(self) -> list[EventHandler]:
        """What is called back for events."""
        return self.events.handlers

    @property
    def topic_name(self) -> str:
        """The absolute name."""
        return self.topic

    def get_publisher_count(self) -> int:
        """How many publishers this subscription receives from."""
        return self.reader.num_matched()

    def take_message(self) -> tuple[Any, dict[str, int]] | None:
        """The next message and its time stamps in nanoseconds, None if there is none."""
        return self.reader.take(self._read)

    def _read(self, sample: Sample) -> tuple[Any, dict[str, int]]:
        message = (
            sample.header + bytes(sample.body) if self.raw else decode_body(self.msg_type, sample.header, sample.body)
        )
        return message, {"source_timestamp": sample.source_timestamp_ns, "received_timestamp": time.time_ns()}

    def take(self, executor: Any) -> Callable[[], Any] | None:
        """The callback with the next message."""
        taken = self.take_message()
        if taken is None:
            return None
        arguments = taken if self._callback_type is self.CallbackType.WithMessageInfo else taken[:1]
        return lambda: self._callback(*arguments)

    def destroy(self) -> None:
        """Stop receiving; `Node.destroy_subscription` also takes it off the node."""
        self.reader.delete()

    def __enter__(self) -> "Subscription":
        return self

    def __exit__(self, *_: object) -> None:
        self.destroy()


def wait_for_message(
    msg_type: Any, node: Any, topic: str, *, qos_profile: QoSProfile | int = 1, time_to_wait: float | None = -1
) -> tuple[bool, Any]:  # fmt: skip
    """Wait for the next message of a topic: (True, message), or (False, None) after the time or at shutdown."""
    subscription = node.create_subscription(msg_type, topic, lambda _: None, qos_profile)
    timeout_ns = timeout_sec_to_nsec(time_to_wait)
    wait_set = WaitSet(node.context.participant)
    node.context.enter_wait(wait_set)
    try:
        wait_set.wait({subscription.wait_handle: subscription}, INFINITE_NS if timeout_ns < 0 else timeout_ns)
        taken = subscription.take_message() if node.context.ok() else None
        return (False, None) if taken is None else (True, taken[0])
    finally:
        wait_set.delete()
        node.context.leave_wait(wait_set)
        node.destroy_subscription(subscription)
