"""What an executor waits for; timers and guard conditions, which need no DDS."""

import time
from collections.abc import Callable
from typing import Any

from embedded_ros.callback_groups import CallbackGroup


class Waitable:
    """Something that an executor waits for and whose callback it runs."""

    callback_group: CallbackGroup
    wait_handle: int | None = None

    def next_call_ns(self) -> int | None:
        """When a timer is due on the monotonic clock; None for what is not a timer, or cancelled."""
        return None

    def take(self, executor: Any) -> Callable[[], Any] | None:
        """Take what arrived and return the work to be done, None if nothing arrived."""
        raise NotImplementedError


class Timer(Waitable):
    """Calls back periodically."""

    def __init__(
        self, callback: Callable[..., Any] | None, callback_group: CallbackGroup, timer_period_ns: int, clock: Any,
        autostart: bool = True, wake: Callable[[], None] = lambda: None,
    ):  # fmt: skip
        if timer_period_ns < 0:
            raise ValueError("timer period must not be negative")
        self.callback, self.callback_group, self.clock = callback, callback_group, clock
        self._period_ns, self._wake = timer_period_ns, wake
        self._last_call_ns = time.monotonic_ns()
        self._next_ns: int | None = self._last_call_ns + timer_period_ns if autostart else None

    @property
    def timer_period_ns(self) -> int:
        """Nanoseconds between two calls."""
        return self._period_ns

    @timer_period_ns.setter
    def timer_period_ns(self, value: int) -> None:
        self._period_ns = int(value)

    def next_call_ns(self) -> int | None:
        """When it is due on the monotonic clock; None when cancelled."""
        return self._next_ns

    def take(self, executor: Any) -> Callable[[], Any] | None:
        """The callback, if it is still due; calls that were missed are skipped."""
        now_ns, due_ns = time.monotonic_ns(), self._next_ns
        if due_ns is None or due_ns > now_ns:
            return None
        missed = (now_ns - due_ns) // self._period_ns if self._period_ns else 0
        self._next_ns = due_ns + (missed + 1) * self._period_ns if self._period_ns else now_ns
        self._last_call_ns = now_ns
        return self.callback

    def is_ready(self) -> bool:
        """Whether it is due."""
        return self._next_ns is not None and self._next_ns <= time.monotonic_ns()

    def is_canceled(self) -> bool:
        """Whether it was cancelled."""
        return self._next_ns is None

    def cancel(self) -> None:
        """Stop calling back until `reset`."""
        self._next_ns = None

    def reset(self) -> None:
        """Start a new period now."""
        self._next_ns = time.monotonic_ns() + self._period_ns
        self._wake()

    def time_since_last_call(self) -> int:
        """Nanoseconds since the last call."""
        return time.monotonic_ns() - self._last_call_ns

    def time_until_next_call(self) -> int | None:
        """Nanoseconds until the next call, None when cancelled."""
        return None if self._next_ns is None else self._next_ns - time.monotonic_ns()

    def destroy(self) -> None:
        """Stop for good."""
        self.cancel()


class GuardCondition(Waitable):
    """Calls back once each time it is triggered."""

    def __init__(self, callback: Callable[[], Any], callback_group: CallbackGroup, wake: Callable[[], None]):
        self.callback, self.callback_group, self._wake = callback, callback_group, wake
        self._triggered = False

    def trigger(self) -> None:
        """Make the executor run the callback."""
        self._triggered = True
        self._wake()

    def next_call_ns(self) -> int | None:
        """At once when triggered."""
        return 0 if self._triggered else None

    def take(self, executor: Any) -> Callable[[], Any] | None:
        """The callback, if it was triggered."""
        was_triggered, self._triggered = self._triggered, False
        return self.callback if was_triggered else None

    def destroy(self) -> None:
        """Forget a trigger that was not handled."""
        self._triggered = False
