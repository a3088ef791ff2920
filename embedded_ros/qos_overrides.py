"""Parameters `qos_overrides.<topic>.<entity>.<policy>` by which a user changes a program's policies."""

from collections.abc import Callable, Iterable
from typing import Any

from embedded_ros.exceptions import ParameterAlreadyDeclaredException
from embedded_ros.message_classes import message_class
from embedded_ros.qos import QoSPolicyEnum, QoSPolicyKind, QoSProfile
from embedded_ros.times import Duration
from embedded_ros.topics import Publisher

QosCallbackResult = message_class("rcl_interfaces/msg/SetParametersResult")
_DEFAULT_KINDS = (QoSPolicyKind.HISTORY, QoSPolicyKind.DEPTH, QoSPolicyKind.RELIABILITY)


class InvalidQosOverridesError(Exception):
    """A program refuses the policies that a user wants."""


class QoSOverridingOptions:
    """Which policies a user may change.

    Attributes:
        policy_kinds: the policies that get a parameter.
        callback: accepts or refuses the resulting profile with a SetParametersResult.
        entity_id: tells several publishers or subscriptions of one topic apart.
    """

    def __init__(
        self, policy_kinds: Iterable[QoSPolicyKind], *, callback: Callable[[QoSProfile], Any] | None = None,
        entity_id: str | None = None,
    ):  # fmt: skip
        self.policy_kinds, self.callback, self.entity_id = policy_kinds, callback, entity_id

    @classmethod
    def with_default_policies(
        cls, *, callback: Callable[[QoSProfile], Any] | None = None, entity_id: str | None = None
    ) -> "QoSOverridingOptions":  # fmt: skip
        """History, depth and reliability may be changed."""
        return cls(_DEFAULT_KINDS, callback=callback, entity_id=entity_id)


def _declare_qos_parameters(
    entity_type: type, node: Any, topic_name: str, qos: QoSProfile, options: QoSOverridingOptions
) -> None:
    """Declare the parameters of a Publisher or Subscription, and change its profile as they say.

    Raises:
        InvalidQosOverridesError: the options' callback refuses the profile.
    """
    entity = "publisher" if issubclass(entity_type, Publisher) else "subscription"
    suffix = "" if options.entity_id is None else f"_{options.entity_id}"
    owner = f"{entity} `{topic_name}` with id `{options.entity_id}`"
    for kind in options.policy_kinds:
        if kind is QoSPolicyKind.LIFESPAN and entity == "subscription":
            continue
        policy = kind.name.lower()
        name = f"qos_overrides.{topic_name}.{entity}{suffix}.{policy}"
        descriptor: Any = message_class("rcl_interfaces/msg/ParameterDescriptor")(
            description=f"{policy} for {owner}", read_only=True
        )
        try:
            parameter = node.declare_parameter(name, _get_qos_policy_parameter(qos, kind), descriptor)
        except ParameterAlreadyDeclaredException:
            parameter = node.get_parameter(name)
        setattr(qos, policy, _policy_value(qos, policy, parameter.value))
    if options.callback is not None:
        result = options.callback(qos)
        if not result.successful:
            raise InvalidQosOverridesError(f"Provided QoS overrides for {owner}, are not valid: {result.reason}")


def _get_qos_policy_parameter(qos: QoSProfile, policy: QoSPolicyKind) -> Any:
    """The value of a policy's parameter."""
    value = getattr(qos, policy.name.lower())
    if isinstance(value, Duration):
        return value.nanoseconds
    if not isinstance(value, QoSPolicyEnum):
        return value
    if value.name == "UNKNOWN":
        raise ValueError("User provided QoS profile is invalid")
    return value.short_key


def _policy_value(qos: QoSProfile, policy: str, value: Any) -> Any:
    current = getattr(qos, policy)
    if isinstance(current, Duration):
        return Duration(nanoseconds=value)
    if not isinstance(current, QoSPolicyEnum):
        return value
    try:
        return type(current)[value.upper()]
    except KeyError:
        raise RuntimeError(f"Unexpected QoS override for policy `{policy}`: `{value}`") from None
