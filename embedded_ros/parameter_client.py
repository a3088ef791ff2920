"""A client of another node's parameter services."""

import time
from collections.abc import Callable
from typing import Any

from embedded_ros.callback_groups import CallbackGroup
from embedded_ros.events import SubscriptionEventCallbacks
from embedded_ros.message_classes import message_class, service_class
from embedded_ros.node_parameters import PARAMETER_SERVICES
from embedded_ros.parameters import Parameter, parameter_dict_from_yaml_file
from embedded_ros.qos import QoSProfile, qos_profile_parameter_events, qos_profile_services_default
from embedded_ros.qos_overrides import QoSOverridingOptions
from embedded_ros.tasks import Future
from embedded_ros.topics import Subscription

_POLL_S = 0.05
DoneCallback = Callable[[Future], Any]


class AsyncParameterClient:
    """Gets and sets another node's parameters; every call returns a future of the service's response."""

    def __init__(
        self, node: Any, remote_node_name: str, qos_profile: QoSProfile = qos_profile_services_default,
        callback_group: CallbackGroup | None = None,
    ):  # fmt: skip
        self.remote_node_name, self.node = remote_node_name, node
        self._clients = {
            name: node.create_client(
                service_class(f"rcl_interfaces/srv/{name}"), f"{remote_node_name}/{path}",
                qos_profile=qos_profile, callback_group=callback_group,
            )
            for name, path in PARAMETER_SERVICES.items()
        }  # fmt: skip

    def services_are_ready(self) -> bool:
        """Whether all services are there."""
        return all(client.service_is_ready() for client in self._clients.values())

    def wait_for_services(self, timeout_sec: float | None = None) -> bool:
        """Wait for all services; False after the timeout."""
        end = None if timeout_sec is None else time.monotonic() + timeout_sec
        while not self.services_are_ready():
            if end is not None and time.monotonic() >= end:
                return False
            time.sleep(_POLL_S)
        return True

    def list_parameters(
        self, prefixes: list[str] | None = None, depth: int | None = None, callback: DoneCallback | None = None
    ) -> Future:  # fmt: skip
        """Names and prefixes of the parameters under some prefixes, at most so many levels deep."""
        return self._call("ListParameters", callback, prefixes=prefixes or [], depth=depth or 0)

    def get_parameters(self, names: list[str], callback: DoneCallback | None = None) -> Future:
        """The values of some parameters."""
        return self._call("GetParameters", callback, names=names)

    def set_parameters(self, parameters: list[Any], callback: DoneCallback | None = None) -> Future:
        """Set parameters (Parameter, or the message) one by one."""
        return self._call("SetParameters", callback, parameters=_messages(parameters))

    def describe_parameters(self, names: list[str], callback: DoneCallback | None = None) -> Future:
        """The descriptors of some parameters."""
        return self._call("DescribeParameters", callback, names=names)

    def get_parameter_types(self, names: list[str], callback: DoneCallback | None = None) -> Future:
        """The types of some parameters."""
        return self._call("GetParameterTypes", callback, names=names)

    def set_parameters_atomically(self, parameters: list[Any], callback: DoneCallback | None = None) -> Future:
        """Set all parameters (Parameter, or the message) or none."""
        return self._call("SetParametersAtomically", callback, parameters=_messages(parameters))

    def delete_parameters(self, names: list[str], callback: DoneCallback | None = None) -> Future:
        """Unset parameters, which only those of dynamic type allow."""
        return self.set_parameters([Parameter(name) for name in names], callback)

    def load_parameter_file(
        self, parameter_file: str, use_wildcard: bool = False, callback: DoneCallback | None = None
    ) -> Future:  # fmt: skip
        """Set what a parameter file holds, one by one."""
        loaded = parameter_dict_from_yaml_file(parameter_file, use_wildcard)
        return self.set_parameters(list(loaded.values()), callback)

    def load_parameter_file_atomically(
        self, parameter_file: str, use_wildcard: bool = False, callback: DoneCallback | None = None
    ) -> Future:  # fmt: skip
        """Set all that a parameter file holds or nothing."""
        loaded = parameter_dict_from_yaml_file(parameter_file, use_wildcard)
        return self.set_parameters_atomically(list(loaded.values()), callback)

    def on_parameter_event(
        self, callback: Callable[[Any], Any], qos_profile: QoSProfile = qos_profile_parameter_events, *,
        callback_group: CallbackGroup | None = None, event_callbacks: SubscriptionEventCallbacks | None = None,
        qos_overriding_options: QoSOverridingOptions | None = None, raw: bool = False,
    ) -> Subscription:  # fmt: skip
        """Call back with every rcl_interfaces/ParameterEvent of any node."""
        return self.node.create_subscription(
            message_class("rcl_interfaces/msg/ParameterEvent"), "/parameter_events", callback, qos_profile,
            callback_group=callback_group, event_callbacks=event_callbacks,
            qos_overriding_options=qos_overriding_options, raw=raw,
        )  # fmt: skip

    def _call(self, service: str, callback: DoneCallback | None, **fields: Any) -> Future:
        client = self._clients[service]
        future = client.call_async(client.srv_type.Request(**fields))
        if callback is not None:
            future.add_done_callback(callback)
        return future


def _messages(parameters: list[Any]) -> list[Any]:
    return [entry.to_parameter_msg() if isinstance(entry, Parameter) else entry for entry in parameters]
