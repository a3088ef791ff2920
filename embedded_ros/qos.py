"""Quality of service as rclpy names it, and its translation to DDS policies."""

import warnings
from dataclasses import dataclass, fields
from enum import Enum, IntEnum
from typing import Any

from embedded_ros.errors import NotInSubsetError
from embedded_ros.times import INFINITE_NANOSECONDS, Duration
from embedded_ros.wire import WireQos


class InvalidQoSProfileException(Exception):  # noqa: N818 (rclpy's own name)
    """A profile contradicts itself."""

    def __init__(self, *arguments: object):
        super().__init__("Invalid QoSProfile", *arguments)


class QoSPolicyKind(IntEnum):
    """A policy, as QoS events name it."""

    INVALID = 1
    DURABILITY = 2
    DEADLINE = 4
    LIVELINESS = 8
    RELIABILITY = 16
    HISTORY = 32
    LIFESPAN = 64
    DEPTH = 128
    LIVELINESS_LEASE_DURATION = 256
    AVOID_ROS_NAMESPACE_CONVENTIONS = 512


_KIND_OF_DDS_ID = {
    2: QoSPolicyKind.DURABILITY, 4: QoSPolicyKind.DEADLINE, 8: QoSPolicyKind.LIVELINESS,
    11: QoSPolicyKind.RELIABILITY, 13: QoSPolicyKind.HISTORY, 21: QoSPolicyKind.LIFESPAN,
}  # fmt: skip


class _ShortKeyEnum(Enum):
    @classmethod
    def short_keys(cls) -> list[str]:
        """The values' names in lower case."""
        return [name.lower() for name in cls.__members__]

    @classmethod
    def get_from_short_key(cls, name: str) -> Any:
        """The value of a name in any case."""
        return cls[name.upper()].value


class QoSPolicyEnum(IntEnum, _ShortKeyEnum):
    """Base of the policies' values."""

    @property
    def short_key(self) -> str:
        """The value's name in lower case."""
        return self.name.lower()


class HistoryPolicy(QoSPolicyEnum):
    """How many messages are kept."""

    SYSTEM_DEFAULT = 0
    KEEP_LAST = 1
    KEEP_ALL = 2
    UNKNOWN = 3


class ReliabilityPolicy(QoSPolicyEnum):
    """Whether lost messages are sent again."""

    SYSTEM_DEFAULT = 0
    RELIABLE = 1
    BEST_EFFORT = 2
    UNKNOWN = 3
    BEST_AVAILABLE = 4


class DurabilityPolicy(QoSPolicyEnum):
    """Whether late subscriptions get earlier messages."""

    SYSTEM_DEFAULT = 0
    TRANSIENT_LOCAL = 1
    VOLATILE = 2
    UNKNOWN = 3
    BEST_AVAILABLE = 4


class LivelinessPolicy(QoSPolicyEnum):
    """Who says that a publisher is alive."""

    SYSTEM_DEFAULT = 0
    AUTOMATIC = 1
    MANUAL_BY_TOPIC = 3
    UNKNOWN = 4
    BEST_AVAILABLE = 5


class QoSCompatibility(Enum):
    """Whether a publisher and a subscription can talk."""

    OK = 0
    WARNING = 1
    ERROR = 2


@dataclass(init=False, repr=False)
class QoSProfile:
    """All policies of a publisher or subscription; history or depth must be given."""

    history: HistoryPolicy = HistoryPolicy.KEEP_LAST
    depth: int = 10
    reliability: ReliabilityPolicy = ReliabilityPolicy.RELIABLE
    durability: DurabilityPolicy = DurabilityPolicy.VOLATILE
    lifespan: Duration = Duration()  # noqa: RUF009 (it never changes)
    deadline: Duration = Duration()  # noqa: RUF009
    liveliness: LivelinessPolicy = LivelinessPolicy.SYSTEM_DEFAULT
    liveliness_lease_duration: Duration = Duration()  # noqa: RUF009
    avoid_ros_namespace_conventions: bool = False

    def __init__(self, **policies: Any):
        defaults = {policy.name: policy.default for policy in fields(self)}
        unknown = policies.keys() - defaults.keys()
        assert not unknown, f"Invalid arguments passed to constructor: {sorted(unknown)}"
        if not {"history", "depth"} & policies.keys():
            raise InvalidQoSProfileException("History and/or depth settings are required.")
        for name, value in (defaults | policies).items():
            setattr(self, name, value)
        if self.history == HistoryPolicy.KEEP_LAST and "depth" not in policies:
            raise InvalidQoSProfileException("History set to KEEP_LAST without a depth setting.")

    def __setattr__(self, name: str, value: Any) -> None:
        kind = type(getattr(QoSProfile, name))
        if issubclass(kind, QoSPolicyEnum):
            assert isinstance(value, int)
            value = kind(value)
        else:
            assert isinstance(value, kind), f"{name} must be a {kind}"
        if name == "depth" and value == 0 and self.history == HistoryPolicy.KEEP_LAST:
            warnings.warn("A zero depth with KEEP_LAST doesn't make sense; no data could be stored.", stacklevel=3)
        super().__setattr__(name, value)

    def __repr__(self) -> str:
        return f"QoSProfile({', '.join(f'{name}={value!s}' for name, value in vars(self).items())})"


def wire_qos(profile: QoSProfile, user_data: str, is_writer: bool) -> WireQos:
    """The DDS policies of a profile."""
    chosen = {profile.reliability.name, profile.durability.name}
    if "UNKNOWN" in chosen:
        raise InvalidQoSProfileException("UNKNOWN is not a policy to ask for")
    if "BEST_AVAILABLE" in chosen | {profile.liveliness.name}:
        raise NotInSubsetError("a BEST_AVAILABLE policy", "name the policy that you need")
    return WireQos(
        depth=None if profile.history == HistoryPolicy.KEEP_ALL else max(1, profile.depth),
        reliable=profile.reliability != ReliabilityPolicy.BEST_EFFORT,
        transient_local=profile.durability == DurabilityPolicy.TRANSIENT_LOCAL,
        deadline_ns=_policy_duration(profile.deadline),
        lifespan_ns=_policy_duration(profile.lifespan) if is_writer else None,
        manual_liveliness=profile.liveliness == LivelinessPolicy.MANUAL_BY_TOPIC,
        lease_ns=_policy_duration(profile.liveliness_lease_duration),
        user_data=user_data.encode(),
    )


def dds_topic_name(prefix: str, name: str, profile: QoSProfile) -> str:
    """The DDS topic of a ROS name; the prefix tells topics, requests and replies apart."""
    return name if profile.avoid_ros_namespace_conventions else f"{prefix}{name}"


def policy_kind(dds_policy_id: int) -> QoSPolicyKind:
    """rclpy's name of a DDS policy."""
    return _KIND_OF_DDS_ID.get(dds_policy_id, QoSPolicyKind.INVALID)


def qos_policy_name_from_kind(policy_kind: int) -> str:
    """A policy's name, as messages about incompatible profiles give it."""
    return QoSPolicyKind(policy_kind).name


def profile_of_wire(qos: WireQos) -> QoSProfile:
    """The profile that discovery tells of; history is not announced."""
    return QoSProfile(
        history=HistoryPolicy.UNKNOWN,
        depth=0,
        reliability=ReliabilityPolicy.RELIABLE if qos.reliable else ReliabilityPolicy.BEST_EFFORT,
        durability=DurabilityPolicy.TRANSIENT_LOCAL if qos.transient_local else DurabilityPolicy.VOLATILE,
        lifespan=_wire_duration(qos.lifespan_ns),
        deadline=_wire_duration(qos.deadline_ns),
        liveliness=LivelinessPolicy.MANUAL_BY_TOPIC if qos.manual_liveliness else LivelinessPolicy.AUTOMATIC,
        liveliness_lease_duration=_wire_duration(qos.lease_ns),
    )


def _wire_duration(nanoseconds: int | None) -> Duration:
    return Duration(nanoseconds=INFINITE_NANOSECONDS if nanoseconds is None else nanoseconds)


def _policy_duration(duration: Duration) -> int | None:
    return None if duration.nanoseconds in (0, INFINITE_NANOSECONDS) else duration.nanoseconds


qos_profile_unknown = QoSProfile(
    history=HistoryPolicy.UNKNOWN, depth=0, reliability=ReliabilityPolicy.UNKNOWN,
    durability=DurabilityPolicy.UNKNOWN, liveliness=LivelinessPolicy.UNKNOWN,
)  # fmt: skip
qos_profile_default = QoSProfile(depth=10)
qos_profile_system_default = QoSProfile(
    history=HistoryPolicy.SYSTEM_DEFAULT, depth=0, reliability=ReliabilityPolicy.SYSTEM_DEFAULT,
    durability=DurabilityPolicy.SYSTEM_DEFAULT,
)  # fmt: skip
qos_profile_sensor_data = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)
qos_profile_services_default = QoSProfile(depth=10)
qos_profile_parameters = QoSProfile(depth=1000)
qos_profile_parameter_events = QoSProfile(depth=1000)
qos_profile_rosout_default = QoSProfile(
    depth=1000, durability=DurabilityPolicy.TRANSIENT_LOCAL, lifespan=Duration(seconds=10)
)  # fmt: skip
qos_profile_action_status_default = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


class QoSPresetProfiles(_ShortKeyEnum):
    """The ready-made profiles by name."""

    UNKNOWN = qos_profile_unknown
    DEFAULT = qos_profile_default
    SYSTEM_DEFAULT = qos_profile_system_default
    SENSOR_DATA = qos_profile_sensor_data
    SERVICES_DEFAULT = qos_profile_services_default
    PARAMETERS = qos_profile_parameters
    PARAMETER_EVENTS = qos_profile_parameter_events
    ACTION_STATUS_DEFAULT = qos_profile_action_status_default
