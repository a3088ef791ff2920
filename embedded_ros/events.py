"""Events of publishers and subscriptions: missed deadlines, lost liveliness, policies that do not fit, matches."""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NamedTuple

from embedded_ros import dds_library as dds
from embedded_ros.callback_groups import CallbackGroup
from embedded_ros.errors import NotInSubsetError
from embedded_ros.qos import QoSPolicyKind, policy_kind, qos_policy_name_from_kind
from embedded_ros.waitables import Waitable
from embedded_ros.wire import Endpoint, RawReader


class QoSPublisherEventType(IntEnum):
    """Events of a publisher."""

    RCL_PUBLISHER_OFFERED_DEADLINE_MISSED = 0
    RCL_PUBLISHER_LIVELINESS_LOST = 1
    RCL_PUBLISHER_OFFERED_INCOMPATIBLE_QOS = 2
    RCL_PUBLISHER_MATCHED = 4


class QoSSubscriptionEventType(IntEnum):
    """Events of a subscription."""

    RCL_SUBSCRIPTION_REQUESTED_DEADLINE_MISSED = 0
    RCL_SUBSCRIPTION_LIVELINESS_CHANGED = 1
    RCL_SUBSCRIPTION_REQUESTED_INCOMPATIBLE_QOS = 2
    RCL_SUBSCRIPTION_MESSAGE_LOST = 3
    RCL_SUBSCRIPTION_MATCHED = 5


@dataclass
class _Count:
    total_count: int = 0
    total_count_change: int = 0


class QoSRequestedDeadlineMissedInfo(_Count):
    """How often no message came in time."""


class QoSOfferedDeadlineMissedInfo(_Count):
    """How often no message was sent in time."""


class QoSLivelinessLostInfo(_Count):
    """How often a publisher failed to say that it is alive."""


class QoSMessageLostInfo(_Count):
    """How many messages were lost."""


@dataclass
class QoSLivelinessChangedInfo:
    """How many publishers are alive and how many no longer."""

    alive_count: int = 0
    not_alive_count: int = 0
    alive_count_change: int = 0
    not_alive_count_change: int = 0


@dataclass
class QoSRequestedIncompatibleQoSInfo(_Count):
    """How many counterparts were refused, and for which policy last."""

    last_policy_kind: QoSPolicyKind = QoSPolicyKind.INVALID


QoSOfferedIncompatibleQoSInfo = QoSRequestedIncompatibleQoSInfo


@dataclass
class QoSPublisherMatchedInfo(_Count):
    """How many counterparts there are."""

    current_count: int = 0
    current_count_change: int = 0


QoSSubscriptionMatchedInfo = QoSPublisherMatchedInfo


def _count_of(info: type[_Count]) -> Callable[[Any], _Count | None]:
    return lambda status: info(status.total, status.change) if status.change else None


def _incompatible_info(status: Any) -> QoSRequestedIncompatibleQoSInfo | None:
    if not status.change:
        return None
    return QoSRequestedIncompatibleQoSInfo(status.total, status.change, policy_kind(status.policy))


def _liveliness_info(status: Any) -> QoSLivelinessChangedInfo | None:
    if not (status.alive_change or status.not_alive_change):
        return None
    return QoSLivelinessChangedInfo(
        status.alive, status.not_alive, status.alive_change, status.not_alive_change
    )  # fmt: skip


def _matched_info(status: Any) -> QoSPublisherMatchedInfo | None:
    if not (status.total_change or status.current_change):
        return None
    return QoSPublisherMatchedInfo(status.total, status.total_change, status.current, status.current_change)


class _Event(NamedTuple):
    event_type: IntEnum
    status: dds.StatusKind
    make_info: Callable[[Any], Any]
    """What a callback gets of a status; None when nothing has changed."""


# The options of the callback containers -> the events.
_PUBLISHER_EVENTS = {
    "deadline": _Event(
        QoSPublisherEventType.RCL_PUBLISHER_OFFERED_DEADLINE_MISSED,
        dds.OFFERED_DEADLINE_MISSED, _count_of(QoSOfferedDeadlineMissedInfo)),
    "liveliness": _Event(
        QoSPublisherEventType.RCL_PUBLISHER_LIVELINESS_LOST, dds.LIVELINESS_LOST, _count_of(QoSLivelinessLostInfo)),
    "incompatible_qos": _Event(
        QoSPublisherEventType.RCL_PUBLISHER_OFFERED_INCOMPATIBLE_QOS,
        dds.OFFERED_INCOMPATIBLE_QOS, _incompatible_info),
    "matched": _Event(QoSPublisherEventType.RCL_PUBLISHER_MATCHED, dds.PUBLICATION_MATCHED, _matched_info),
}  # fmt: skip
_SUBSCRIPTION_EVENTS = {
    "deadline": _Event(
        QoSSubscriptionEventType.RCL_SUBSCRIPTION_REQUESTED_DEADLINE_MISSED,
        dds.REQUESTED_DEADLINE_MISSED, _count_of(QoSRequestedDeadlineMissedInfo)),
    "liveliness": _Event(
        QoSSubscriptionEventType.RCL_SUBSCRIPTION_LIVELINESS_CHANGED, dds.LIVELINESS_CHANGED, _liveliness_info),
    "incompatible_qos": _Event(
        QoSSubscriptionEventType.RCL_SUBSCRIPTION_REQUESTED_INCOMPATIBLE_QOS,
        dds.REQUESTED_INCOMPATIBLE_QOS, _incompatible_info),
    "message_lost": _Event(
        QoSSubscriptionEventType.RCL_SUBSCRIPTION_MESSAGE_LOST, dds.SAMPLE_LOST, _count_of(QoSMessageLostInfo)),
    "matched": _Event(QoSSubscriptionEventType.RCL_SUBSCRIPTION_MATCHED, dds.SUBSCRIPTION_MATCHED, _matched_info),
}  # fmt: skip


class _EventCallbacks:
    """The callbacks that a program gives for an endpoint's events."""

    events: dict[str, _Event]
    use_default_callbacks: bool

    def chosen(self, warn_incompatible: Callable[[Any], None]) -> dict[str, Callable[[Any], Any]]:
        """Option -> callback; an incompatible counterpart is warned of unless told otherwise."""
        found = {option: getattr(self, option) for option in self.events}
        if found["incompatible_qos"] is None and self.use_default_callbacks:
            found["incompatible_qos"] = warn_incompatible
        return {option: callback for option, callback in found.items() if callback is not None}


class PublisherEventCallbacks(_EventCallbacks):
    """Callbacks for the events of a publisher."""

    events = _PUBLISHER_EVENTS

    def __init__(
        self, *, deadline: Callable | None = None, liveliness: Callable | None = None,
        incompatible_qos: Callable | None = None, incompatible_type: Callable | None = None,
        matched: Callable | None = None, use_default_callbacks: bool = True,
    ):  # fmt: skip
        _refuse_incompatible_type(incompatible_type)
        self.deadline, self.liveliness, self.incompatible_qos = deadline, liveliness, incompatible_qos
        self.matched, self.use_default_callbacks = matched, use_default_callbacks


class SubscriptionEventCallbacks(_EventCallbacks):
    """Callbacks for the events of a subscription."""

    events = _SUBSCRIPTION_EVENTS

    def __init__(
        self, *, deadline: Callable | None = None, incompatible_qos: Callable | None = None,
        liveliness: Callable | None = None, message_lost: Callable | None = None,
        incompatible_type: Callable | None = None, matched: Callable | None = None,
        use_default_callbacks: bool = True,
    ):  # fmt: skip
        _refuse_incompatible_type(incompatible_type)
        self.deadline, self.incompatible_qos, self.liveliness = deadline, incompatible_qos, liveliness
        self.message_lost, self.matched, self.use_default_callbacks = message_lost, matched, use_default_callbacks


def _refuse_incompatible_type(callback: Callable | None) -> None:
    if callback is not None:
        raise NotInSubsetError("the event incompatible_type", "compare types with get_topic_names_and_types")


@dataclass
class EventHandler:
    """A callback for one event of one endpoint."""

    event_type: IntEnum
    callback: Callable[[Any], Any]
    status: dds.StatusKind
    make_info: Callable[[Any], Any]


class EndpointEvents(Waitable):
    """All events of a publisher or subscription that somebody listens to."""

    def __init__(self, endpoint: Endpoint, callbacks: _EventCallbacks, group: CallbackGroup, logger: Any, topic: str):
        is_reader = isinstance(endpoint, RawReader)
        found, lost = ("publisher", "received from it") if is_reader else ("subscription", "sent to it")
        verb = "offering" if is_reader else "requesting"

        def warn(info: QoSRequestedIncompatibleQoSInfo) -> None:
            policy = qos_policy_name_from_kind(info.last_policy_kind)
            logger.warning(
                f"New {found} discovered on topic '{topic}', {verb} incompatible QoS. No messages will be {lost}. "
                f"Last incompatible policy: {policy}"
            )

        self.handlers = [
            EventHandler(callbacks.events[option].event_type, callback, *callbacks.events[option][1:])
            for option, callback in callbacks.chosen(warn).items()
        ]
        self.callback_group, self._endpoint = group, endpoint
        self.wait_handle = endpoint.handle
        endpoint.watch(handler.status for handler in self.handlers)

    def take(self, executor: Any) -> Callable[[], Awaitable[None]] | None:
        """The callbacks of the events that have happened."""
        pairs = [(handler, handler.make_info(self._endpoint.read_status(handler.status))) for handler in self.handlers]
        happened = [(handler.callback, info) for handler, info in pairs if info is not None]
        if not happened:
            return None

        async def run() -> None:
            for callback, info in happened:
                result = callback(info)
                if inspect.isawaitable(result):
                    await result

        return run
