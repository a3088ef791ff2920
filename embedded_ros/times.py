"""Moments and spans of time."""

import functools
from enum import IntEnum
from typing import Any

from embedded_ros.message_classes import Message, message_class

NANOSECONDS = 1_000_000_000
S_TO_NS = NANOSECONDS
"""rclpy's name of it."""
INFINITE_NANOSECONDS = 2**63 - 1


def timeout_sec_to_nsec(timeout_sec: float | None) -> int:
    """A timeout in nanoseconds; negative, which means for ever, for None or a negative one."""
    return -1 if timeout_sec is None or timeout_sec < 0 else int(float(timeout_sec) * NANOSECONDS)


class ClockType(IntEnum):
    """Which clock a time was read from."""

    UNINITIALIZED = 0
    ROS_TIME = 1
    SYSTEM_TIME = 2
    STEADY_TIME = 3


@functools.total_ordering
class Duration:
    """A signed span of time."""

    def __init__(self, *, seconds: float = 0, nanoseconds: int = 0):
        total = int(seconds * NANOSECONDS) + int(nanoseconds)
        if not -(2**63) <= total < 2**63:
            raise OverflowError("Total nanoseconds value is too large to store in C duration.")
        self._nanoseconds = total

    @property
    def nanoseconds(self) -> int:
        """The whole span in nanoseconds."""
        return self._nanoseconds

    def to_msg(self) -> Any:
        """The builtin_interfaces/Duration of the same span."""
        seconds, rest = divmod(self._nanoseconds, NANOSECONDS)
        return message_class("builtin_interfaces/msg/Duration")(sec=seconds, nanosec=rest)

    @classmethod
    def from_msg(cls, msg: Any) -> "Duration":
        """The span of a builtin_interfaces/Duration."""
        if not isinstance(msg, message_class("builtin_interfaces/msg/Duration")):
            raise TypeError("Must pass a builtin_interfaces.msg.Duration object")
        return cls(seconds=msg.sec, nanoseconds=msg.nanosec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Duration) and self._nanoseconds == other._nanoseconds

    def __lt__(self, other: "Duration") -> bool:
        if not isinstance(other, Duration):
            return NotImplemented
        return self._nanoseconds < other._nanoseconds

    def __hash__(self) -> int:
        return hash(self._nanoseconds)

    def __repr__(self) -> str:
        return f"Duration(nanoseconds={self._nanoseconds})"

    def __str__(self) -> str:
        return "Infinite" if self._nanoseconds == INFINITE_NANOSECONDS else f"{self._nanoseconds} nanoseconds"


Infinite = Duration(nanoseconds=INFINITE_NANOSECONDS)


@functools.total_ordering
class Time:
    """A moment of one clock."""

    def __init__(
        self, *, seconds: float = 0, nanoseconds: int = 0, clock_type: ClockType = ClockType.SYSTEM_TIME
    ):  # fmt: skip
        if not isinstance(clock_type, ClockType):
            raise TypeError("Clock type must be a ClockType enum")
        if seconds < 0 or nanoseconds < 0:
            raise ValueError("Seconds and nanoseconds values must not be negative")
        self._nanoseconds = int(seconds * NANOSECONDS) + int(nanoseconds)
        if self._nanoseconds >= 2**63:
            raise OverflowError("Total nanoseconds value is too large to store in C time point.")
        self._clock_type = clock_type

    @property
    def nanoseconds(self) -> int:
        """Nanoseconds since the clock's start."""
        return self._nanoseconds

    @property
    def clock_type(self) -> ClockType:
        """The clock that this is a moment of."""
        return self._clock_type

    def seconds_nanoseconds(self) -> tuple[int, int]:
        """Whole seconds and the rest in nanoseconds."""
        return divmod(self._nanoseconds, NANOSECONDS)

    def to_msg(self) -> Any:
        """The builtin_interfaces/Time of the same moment."""
        seconds, rest = self.seconds_nanoseconds()
        return message_class("builtin_interfaces/msg/Time")(sec=seconds, nanosec=rest)

    @classmethod
    def from_msg(cls, msg: Message, clock_type: ClockType = ClockType.ROS_TIME) -> "Time":
        """The moment of a builtin_interfaces/Time."""
        if not isinstance(msg, message_class("builtin_interfaces/msg/Time")):
            raise TypeError("Must pass a builtin_interfaces.msg.Time object")
        return cls(seconds=msg.sec, nanoseconds=msg.nanosec, clock_type=clock_type)  # type: ignore[attr-defined]

    def __add__(self, other: Duration) -> "Time":
        if not isinstance(other, Duration):
            return NotImplemented
        return Time(nanoseconds=self._nanoseconds + other.nanoseconds, clock_type=self._clock_type)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        if isinstance(other, Duration):
            return Time(nanoseconds=self._nanoseconds - other.nanoseconds, clock_type=self._clock_type)
        if isinstance(other, Time):
            self._require_same_clock(other, "subtract")
            return Duration(nanoseconds=self._nanoseconds - other._nanoseconds)
        return NotImplemented

    def _require_same_clock(self, other: "Time", action: str = "compare") -> None:
        if self._clock_type != other._clock_type:
            raise TypeError(f"Can't {action} times with different clock types")

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Time):
            return NotImplemented
        self._require_same_clock(other)
        return self._nanoseconds == other._nanoseconds

    def __lt__(self, other: "Time") -> bool:
        if not isinstance(other, Time):
            return NotImplemented
        self._require_same_clock(other)
        return self._nanoseconds < other._nanoseconds

    def __hash__(self) -> int:
        return hash((self._nanoseconds, self._clock_type))

    def __repr__(self) -> str:
        return f"Time(nanoseconds={self._nanoseconds}, clock_type={self._clock_type.name})"
