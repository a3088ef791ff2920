"""Calling back when parameters of any node change."""

import itertools
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from embedded_ros.callback_groups import CallbackGroup
from embedded_ros.events import SubscriptionEventCallbacks
from embedded_ros.message_classes import message_class
from embedded_ros.qos import QoSProfile, qos_profile_parameter_events
from embedded_ros.qos_overrides import QoSOverridingOptions


class ParameterCallbackHandle:
    """A callback for one parameter of one node."""

    def __init__(self, parameter_name: str, node_name: str, callback: Callable[[Any], Any]):
        self.parameter_name, self.node_name, self.callback = parameter_name, node_name, callback


class ParameterEventCallbackHandle:
    """A callback for every event."""

    def __init__(self, callback: Callable[[Any], Any]):
        self.callback = callback


class ParameterEventHandler:
    """Subscribes to /parameter_events; callbacks that were added last are called first."""

    class Callbacks:
        """The callbacks of a handler."""

        def __init__(self) -> None:
            self.parameter_callbacks: dict[tuple[str, str], list[ParameterCallbackHandle]] = defaultdict(list)
            self.event_callbacks: list[ParameterEventCallbackHandle] = []
            self.lock = threading.Lock()

        def event_callback(self, event: Any) -> None:
            """Call everybody whom an rcl_interfaces/ParameterEvent concerns."""
            with self.lock:
                for (parameter_name, node_name), handles in self.parameter_callbacks.items():
                    parameter = ParameterEventHandler.get_parameter_from_event(event, parameter_name, node_name)
                    for handle in handles if parameter is not None else []:
                        handle.callback(parameter)
                for handle in self.event_callbacks:
                    handle.callback(event)

    def __init__(
        self, node: Any, qos_profile: QoSProfile = qos_profile_parameter_events,
        callback_group: CallbackGroup | None = None, event_callbacks: SubscriptionEventCallbacks | None = None,
        qos_overriding_options: QoSOverridingOptions | None = None, raw: bool = False,
    ):  # fmt: skip
        self.node, self.qos_profile = node, qos_profile
        self._callbacks = ParameterEventHandler.Callbacks()
        self.parameter_event_subscription = node.create_subscription(
            message_class("rcl_interfaces/msg/ParameterEvent"), "/parameter_events", self._callbacks.event_callback,
            qos_profile, callback_group=callback_group, event_callbacks=event_callbacks,
            qos_overriding_options=qos_overriding_options, raw=raw,
        )  # fmt: skip

    def destroy(self) -> None:
        """Stop calling back."""
        self.node.destroy_subscription(self.parameter_event_subscription)

    @staticmethod
    def get_parameters_from_event(event: Any) -> Iterator[Any]:
        """The rcl_interfaces/Parameter that are new or changed in an event."""
        return itertools.chain(event.new_parameters, event.changed_parameters)

    @staticmethod
    def get_parameter_from_event(event: Any, parameter_name: str, node_name: str) -> Any:
        """A node's new or changed parameter in an event, else None."""
        if event.node != node_name:
            return None
        found = ParameterEventHandler.get_parameters_from_event(event)
        return next((parameter for parameter in found if parameter.name == parameter_name), None)

    def add_parameter_callback(
        self, parameter_name: str, node_name: str, callback: Callable[[Any], Any]
    ) -> ParameterCallbackHandle:  # fmt: skip
        """Call back with one parameter of a node; an empty name is this node's, a relative one is in its namespace."""
        handle = ParameterCallbackHandle(parameter_name, self._resolve_path(node_name), callback)
        with self._callbacks.lock:
            self._callbacks.parameter_callbacks[parameter_name, handle.node_name].insert(0, handle)
        return handle

    def remove_parameter_callback(self, handle: ParameterCallbackHandle) -> None:
        """Undo `add_parameter_callback`; RuntimeError if it is not there."""
        key, callbacks = (handle.parameter_name, handle.node_name), self._callbacks.parameter_callbacks
        with self._callbacks.lock:
            _remove(callbacks.get(key, []), handle)
            if not callbacks[key]:
                del callbacks[key]

    def add_parameter_event_callback(self, callback: Callable[[Any], Any]) -> ParameterEventCallbackHandle:
        """Call back with every event of any node."""
        handle = ParameterEventCallbackHandle(callback)
        with self._callbacks.lock:
            self._callbacks.event_callbacks.insert(0, handle)
        return handle

    def remove_parameter_event_callback(self, handle: ParameterEventCallbackHandle) -> None:
        """Undo `add_parameter_event_callback`; RuntimeError if it is not there."""
        with self._callbacks.lock:
            _remove(self._callbacks.event_callbacks, handle)

    def _resolve_path(self, node_path: str | None = None) -> str:
        if not node_path:
            return self.node.get_fully_qualified_name()
        return node_path if node_path.startswith("/") else f"{self.node.get_namespace().rstrip('/')}/{node_path}"


def _remove(handles: list[Any], handle: Any) -> None:
    if handle not in handles:
        raise RuntimeError("Callback doesn't exist")
    handles.remove(handle)
