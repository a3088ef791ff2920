"""The newest message of an input, how old it is, and how regularly such messages come."""

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from std_msgs.msg import Header

Message = TypeVar("Message")

RATE_WINDOW_S = 10.0
MAX_ARRIVALS = 100
"""Rates are measured over the arrivals of this time, at most so many."""


def stamp_ns(header: Header) -> int:
    """The header's stamp as nanoseconds; 0 if its publisher does not stamp."""
    return header.stamp.sec * 10**9 + header.stamp.nanosec


def seconds_between(earlier_ns: int, later_ns: int) -> float | None:
    """Seconds from one stamp to another, negative if they are the other way round; None if either is missing."""
    return (later_ns - earlier_ns) * 1e-9 if earlier_ns and later_ns else None


def is_too_far(seconds: float | None, limit_s: float) -> bool:
    """Whether a time difference, in either direction, exceeds a limit; unknown ones do not, and 0 is no limit."""
    return seconds is not None and limit_s > 0 and abs(seconds) > limit_s


@dataclass(frozen=True)
class InputHealth:
    """How an input is doing.

    Attributes:
        name: of its topic.
        rate_hz: of the last seconds; 0 if fewer than two messages came.
        silence_s: since the last message; None if there was none.
    """

    name: str
    rate_hz: float
    silence_s: float | None


class LatestMessage(Generic[Message]):
    """Keeps the newest message of a topic.

    Args:
        name: of the topic.
        clock_s: rises steadily.
    """

    def __init__(self, name: str, clock_s: Callable[[], float] = time.monotonic):
        self.name = name
        self._clock_s = clock_s
        self._lock = threading.Lock()
        self._newest: Message | None = None
        self._arrivals_s: deque[float] = deque(maxlen=MAX_ARRIVALS)

    def keep(self, message: Message) -> None:
        """Takes a message that has just come; a subscription's callback."""
        with self._lock:
            self._newest = message
            self._arrivals_s.append(self._clock_s())

    @property
    def newest(self) -> Message | None:
        """None if none has come."""
        return self._newest

    def health(self) -> InputHealth:
        """Rate and silence as of now."""
        now_s = self._clock_s()
        with self._lock:
            arrivals_s = [arrival for arrival in self._arrivals_s if now_s - arrival <= RATE_WINDOW_S]
            silence_s = now_s - self._arrivals_s[-1] if self._arrivals_s else None
        # The silence counts too: a rate must fall when messages cease.
        duration_s = now_s - arrivals_s[0] if len(arrivals_s) > 1 else 0.0
        rate_hz = (len(arrivals_s) - 1) / duration_s if duration_s > 0 else 0.0
        return InputHealth(self.name, rate_hz, silence_s)
