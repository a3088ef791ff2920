"""Whether the profiles of a publisher and a subscription fit, before either exists."""

from collections.abc import Iterator
from enum import IntEnum
from typing import Any

from embedded_ros.qos import DurabilityPolicy, LivelinessPolicy, QoSCompatibility, QoSProfile, ReliabilityPolicy
from embedded_ros.times import INFINITE_NANOSECONDS, Duration

# Policy -> (value of the publisher, value of the subscription) that do not fit.
_CLASHES: dict[str, tuple[IntEnum, IntEnum]] = {
    "reliability": (ReliabilityPolicy.BEST_EFFORT, ReliabilityPolicy.RELIABLE),
    "durability": (DurabilityPolicy.VOLATILE, DurabilityPolicy.TRANSIENT_LOCAL),
    "liveliness": (LivelinessPolicy.AUTOMATIC, LivelinessPolicy.MANUAL_BY_TOPIC),
}
_UNDECIDED = ("SYSTEM_DEFAULT", "UNKNOWN")
"""Values that leave the choice to the middleware, so that a clash cannot be excluded."""


def qos_check_compatible(publisher_qos: QoSProfile, subscription_qos: QoSProfile) -> tuple[QoSCompatibility, str]:
    """Whether the profiles fit, and the reasons if not or if that depends on the middleware's defaults."""
    pair = (publisher_qos, subscription_qos)
    findings = [*_compare_policies(*pair), *_compare_durations(*pair)]
    worst = QoSCompatibility(max((severity.value for severity, _ in findings), default=0))
    return worst, "".join(f"{severity.name}: {text};" for severity, text in findings)


def _compare_policies(publisher: Any, subscription: Any) -> Iterator[tuple[QoSCompatibility, str]]:
    for policy, (weak, strict) in _CLASHES.items():
        offered, requested = getattr(publisher, policy), getattr(subscription, policy)
        text = f"{policy} of the publisher is {offered.name}, of the subscription {requested.name}"
        if (offered, requested) == (weak, strict):
            yield QoSCompatibility.ERROR, text
        elif offered.name in (weak.name, *_UNDECIDED) and requested.name in (strict.name, *_UNDECIDED):
            yield QoSCompatibility.WARNING, text


def _compare_durations(publisher: Any, subscription: Any) -> Iterator[tuple[QoSCompatibility, str]]:
    for policy in ("deadline", "liveliness_lease_duration"):
        offered, requested = _limit(getattr(publisher, policy)), _limit(getattr(subscription, policy))
        if offered > requested:
            yield QoSCompatibility.ERROR, f"{policy} of the publisher is longer than that of the subscription"


def _limit(duration: Duration) -> int:
    return duration.nanoseconds or INFINITE_NANOSECONDS
