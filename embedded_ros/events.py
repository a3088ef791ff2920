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
class QoSMessageLostInfo:
    """How often something happened: a message was lost, or did not come or go in time, or liveliness was lost."""

    total_count: int = 0
    total_count_change: int = 0


QoSRequestedDeadlineMissedInfo = QoSOfferedDeadlineMissedInfo = QoSLivelinessLostInfo = QoSMessageLostInfo


@dataclass
class QoSLivelinessChangedInfo:
    """How many publishers are alive and how many no longer."""

    alive_count: int = 0
    not_alive_count: int = 0
    alive_count_change: int = 0
    not_alive_count_change: int = 0


@dataclass
class QoSRequestedIncompatibleQoSInfo(QoSMessageLostInfo):
    """How many counterparts were refused, and for which policy last."""

    last_policy_kind: QoSPolicyKind = QoSPolicyKind.INVALID


QoSOfferedIncompatibleQoSInfo = QoSRequestedIncompatibleQoSInfo


@dataclass
class QoSPublisherMatchedInfo(QoSMessageLostInfo):
    """How many counterparts there are."""

    current_count: int = 0
    current_count_change: int = 0


QoSSubscriptionMatchedInfo = QoSPublisherMatchedInfo


class _Event(NamedTuple):
    event_type: IntEnum
    status: dds.StatusKind
    info: type

    def make_info(self, status: Any) -> Any:
        """What a callback gets of a status; None when nothing has changed."""
        values = {name: getattr(status, name) for name, *_ in status._fields_ if name != "last_handle"}
        if not any(value for name, value in values.items() if "change" in name):
            return None
        if "policy" in values:
            values["policy"] = policy_kind(values["policy"])
        # The members of both are in one order.
        return self.info(*values.values())


_PUBLISHER, _SUBSCRIPTION = QoSPublisherEventType, QoSSubscriptionEventType

# The options of the callback containers -> the events.
_PUBLISHER_EVENTS = {
    "deadline": _Event(
        _PUBLISHER.RCL_PUBLISHER_OFFERED_DEADLINE_MISSED, dds.OFFERED_DEADLINE_MISSED, QoSOfferedDeadlineMissedInfo),
    "liveliness": _Event(_PUBLISHER.RCL_PUBLISHER_LIVELINESS_LOST, dds.LIVELINESS_LOST, QoSLivelinessLostInfo),
    "incompatible_qos": _Event(
        _PUBLISHER.RCL_PUBLISHER_OFFERED_INCOMPATIBLE_QOS, dds.OFFERED_INCOMPATIBLE_QOS, QoSOfferedIncompatibleQoSInfo),
    "matched": _Event(_PUBLISHER.RCL_PUBLISHER_MATCHED, dds.PUBLICATION_MATCHED, QoSPublisherMatchedInfo),
}  # fmt: skip
_SUBSCRIPTION_EVENTS = {
    "deadline": _Event(
        _SUBSCRIPTION.RCL_SUBSCRIPTION_REQUESTED_DEADLINE_MISSED,
        dds.REQUESTED_DEADLINE_MISSED, QoSRequestedDeadlineMissedInfo),
    "liveliness": _Event(
        _SUBSCRIPTION.RCL_SUBSCRIPTION_LIVELINESS_CHANGED, dds.LIVELINESS_CHANGED, QoSLivelinessChangedInfo),
    "incompatible_qos": _Event(
        _SUBSCRIPTION.RCL_SUBSCRIPTION_REQUESTED_INCOMPATIBLE_QOS,
        dds.REQUESTED_INCOMPATIBLE_QOS, QoSRequestedIncompatibleQoSInfo),
    "message_lost": _Event(_SUBSCRIPTION.RCL_SUBSCRIPTION_MESSAGE_LOST, dds.SAMPLE_LOST, QoSMessageLostInfo),
    "matched": _Event(_SUBSCRIPTION.RCL_SUBSCRIPTION_MATCHED, dds.SUBSCRIPTION_MATCHED, QoSSubscriptionMatchedInfo),
}  # fmt: skip


class _EventCallbacks:
    """The callbacks that a program gives for an endpoint's events, each under the event's option; None: none."""

    events: dict[str, _Event]

    def __init__(self, *, use_default_callbacks: bool = True, **callbacks: Callable[[Any], Any] | None):
        if callbacks.pop("incompatible_type", None) is not None:
            raise NotInSubsetError("the event incompatible_type", "compare types with get_topic_names_and_types")
        unknown = callbacks.keys() - self.events.keys()
        if unknown:
            raise TypeError(f"there are no events {sorted(unknown)}; the events are {list(self.events)}")
        self.use_default_callbacks = use_default_callbacks
        vars(self).update(dict.fromkeys(self.events) | callbacks)

    def chosen(self, warn_incompatible: Callable[[Any], None]) -> dict[str, Callable[[Any], Any]]:
        """Option -> callback; an incompatible counterpart is warned of unless told otherwise."""
        found = {option: getattr(self, option) for option in self.events}
        if found["incompatible_qos"] is None and self.use_default_callbacks:
            found["incompatible_qos"] = warn_incompatible
        return {option: callback for option, callback in found.items() if callback is not None}


class PublisherEventCallbacks(_EventCallbacks):
    """Callbacks for the events of a publisher."""

    events = _PUBLISHER_EVENTS


class SubscriptionEventCallbacks(_EventCallbacks):
    """Callbacks for the events of a subscription."""

    events = _SUBSCRIPTION_EVENTS


class EventHandler(NamedTuple):
    """A callback for one event of one endpoint."""

    event: _Event
    callback: Callable[[Any], Any]

    @property
    def event_type(self) -> IntEnum:
        """rclpy's number of the event."""
        return self.event.event_type


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

        chosen = callbacks.chosen(warn)
        self.handlers = [EventHandler(callbacks.events[option], callback) for option, callback in chosen.items()]
        self.callback_group, self._endpoint = group, endpoint
        self.wait_handle = endpoint.handle
        endpoint.watch(handler.event.status for handler in self.handlers)

    def take(self, executor: Any) -> Callable[[], Awaitable[None]] | None:
        """The callbacks of the events that have happened."""
        infos = [event.make_info(self._endpoint.read_status(event.status)) for event, _ in self.handlers]
        pairs = zip(self.handlers, infos, strict=True)
        happened = [(handler.callback, info) for handler, info in pairs if info is not None]
        if not happened:
            return None

        async def run() -> None:
            for callback, info in happened:
                result = callback(info)
                if inspect.isawaitable(result):
                    await result

        return run
