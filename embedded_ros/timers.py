"""Timers, and rates that sleep from one tick to the next."""

import threading
import time
from collections.abc import Callable
from typing import Any

from embedded_ros.callback_groups import CallbackGroup
from embedded_ros.clocks import ClockChange, JumpThreshold, ROSClock, TimeJump
from embedded_ros.dds_library import INFINITE_NS
from embedded_ros.errors import InvalidHandle, refuse_members
from embedded_ros.exceptions import ROSInterruptException
from embedded_ros.times import Duration
from embedded_ros.waitables import Waitable

_ANY_JUMP = JumpThreshold(min_forward=Duration(nanoseconds=1), min_backward=Duration(nanoseconds=-1))


class Timer(Waitable):
    """Calls back periodically, by the monotonic clock or, while that is active, by simulated time."""

    def __init__(
        self, callback: Callable[..., Any] | None, callback_group: CallbackGroup, timer_period_ns: int, clock: Any, *,
        autostart: bool = True, wake: Callable[[], None] = lambda: None,
    ):  # fmt: skip
        if timer_period_ns < 0:
            raise ValueError("timer period must not be negative")
        self.callback, self.callback_group, self.clock = callback, callback_group, clock
        self.timer_period_ns, self._wake = timer_period_ns, wake
        self._is_destroyed = False
        self._next_ns: int | None = self._now_ns() + timer_period_ns if autostart else None
        self._jumps = clock.create_jump_callback(_ANY_JUMP, post_callback=self._on_jump)

    @property
    def _is_simulated(self) -> bool:
        return isinstance(self.clock, ROSClock) and self.clock.ros_time_is_active

    def _now_ns(self) -> int:
        return self.clock.now().nanoseconds if self._is_simulated else time.monotonic_ns()

    def _on_jump(self, jump: TimeJump) -> None:
        # A new source or a jump back starts the period anew; a jump forward may make the timer due.
        is_other_time = jump.clock_change != ClockChange.ROS_TIME_NO_CHANGE or jump.delta.nanoseconds < 0
        if is_other_time and self._next_ns is not None:
            self._next_ns = self._now_ns() + self.timer_period_ns
        self._wake()

    def next_call_ns(self) -> int | None:
        """When it is due on the monotonic clock; None when cancelled."""
        if self._next_ns is None or not self._is_simulated:
            return self._next_ns
        return 0 if self.is_ready() else INFINITE_NS

    def take(self, executor: Any) -> Callable[[], Any] | None:
        """The callback, if it is still due; calls that were missed are skipped."""
        now_ns, due_ns = self._now_ns(), self._next_ns
        if due_ns is None or due_ns > now_ns:
            return None
        missed = (now_ns - due_ns) // self.timer_period_ns if self.timer_period_ns else 0
        self._next_ns = due_ns + (missed + 1) * self.timer_period_ns if self.timer_period_ns else now_ns
        return self.callback

    def is_ready(self) -> bool:
        """Whether it is due."""
        return self._next_ns is not None and self._next_ns <= self._now_ns()

    def is_canceled(self) -> bool:
        """Whether it was cancelled."""
        return self._next_ns is None

    def cancel(self) -> None:
        """Stop calling back until `reset`."""
        self._next_ns = None

    def reset(self) -> None:
        """Start a new period now; InvalidHandle once destroyed."""
        self.require_existing()
        self._next_ns = self._now_ns() + self.timer_period_ns
        self._wake()

    def time_until_next_call(self) -> int | None:
        """Nanoseconds until the next call, None when cancelled."""
        return None if self._next_ns is None else self._next_ns - self._now_ns()

    def require_existing(self) -> None:
        """Raise InvalidHandle once destroyed."""
        if self._is_destroyed:
            raise InvalidHandle("the timer was destroyed")

    def destroy(self) -> None:
        """Stop for good."""
        self.cancel()
        self._is_destroyed = True
        self._jumps.unregister()


refuse_members(Timer, "time_since_last_call")


class Rate:
    """Sleeps until the next tick of its timer, which another thread's executor must run."""

    def __init__(self, timer: Timer, *, context: Any):
        self._timer = timer
        self._is_shutdown = self._is_destroyed = False
        self._ticked = threading.Event()
        self._lock = threading.Lock()
        self._num_sleepers = 0
        timer.callback = self._ticked.set
        context.on_shutdown(self._on_shutdown)

    def _on_shutdown(self) -> None:
        self._is_shutdown = True
        self.destroy()

    def destroy(self) -> None:
        """Wake all who sleep; nobody can sleep any more."""
        self._is_destroyed = True
        self._ticked.set()

    def sleep(self) -> None:
        """Sleep until the next tick.

        Raises:
            ROSInterruptException: the context was shut down.
            RuntimeError: the rate was destroyed before.
        """
        if self._is_shutdown:
            raise ROSInterruptException()
        if self._is_destroyed:
            raise RuntimeError("Rate cannot sleep because it has been destroyed")
        self._timer.require_existing()
        with self._lock:
            self._num_sleepers += 1
        self._ticked.wait()
        with self._lock:
            self._num_sleepers -= 1
            if self._num_sleepers == 0:
                self._ticked.clear()
        if self._is_shutdown:
            raise ROSInterruptException()
