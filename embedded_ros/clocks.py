"""Clocks, and the callbacks that tell when ROS time jumps."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from embedded_ros.exceptions import NotInitializedException
from embedded_ros.times import NANOSECONDS, ClockType, Duration, Time

_LONGEST_NAP_S = 0.05
"""A sleeping thread looks this often whether its context still runs."""


class ClockChange(IntEnum):
    """What happened to the source of ROS time."""

    ROS_TIME_NO_CHANGE = 1
    ROS_TIME_ACTIVATED = 2
    ROS_TIME_DEACTIVATED = 3


class JumpThreshold:
    """Which jumps are reported: at least so far forward, so far backward, or a change of the source."""

    def __init__(self, *, min_forward: Duration | None, min_backward: Duration | None, on_clock_change: bool = True):
        if min_forward is not None and min_forward.nanoseconds <= 0:
            raise ValueError("min_forward must be a positive non-zero duration")
        if min_backward is not None and min_backward.nanoseconds >= 0:
            raise ValueError("min_backward must be a negative non-zero duration")
        if min_forward is None and min_backward is None and not on_clock_change:
            raise ValueError("At least one jump threshold must be enabled")
        self.min_forward, self.min_backward, self.on_clock_change = min_forward, min_backward, on_clock_change


@dataclass(frozen=True)
class TimeJump:
    """How ROS time jumped."""

    clock_change: ClockChange
    delta: Duration


class JumpHandle:
    """A registered pair of callbacks, called before and after a jump."""

    def __init__(
        self, *, clock: "Clock", threshold: JumpThreshold, pre_callback: Callable[[], Any] | None,
        post_callback: Callable[[TimeJump], Any] | None,
    ):  # fmt: skip
        if pre_callback is None and post_callback is None:
            raise ValueError("One of pre_callback or post_callback must be callable")
        for name, callback in (("pre_callback", pre_callback), ("post_callback", post_callback)):
            if callback is not None and not callable(callback):
                raise ValueError(f"{name} must be callable if given")
        self._clock: Clock | None = clock
        self._threshold, self.pre_callback, self.post_callback = threshold, pre_callback, post_callback
        clock._jump_handles.append(self)

    def concerns(self, jump: TimeJump) -> bool:
        """Whether a jump passes the threshold."""
        limits = self._threshold
        if jump.clock_change in (ClockChange.ROS_TIME_ACTIVATED, ClockChange.ROS_TIME_DEACTIVATED):
            return limits.on_clock_change
        forward = limits.min_forward is not None and jump.delta >= limits.min_forward
        return forward or (limits.min_backward is not None and jump.delta <= limits.min_backward)

    def unregister(self) -> None:
        """Stop calling back."""
        if self._clock is not None:
            self._clock._jump_handles.remove(self)
            self._clock = None

    def __enter__(self) -> "JumpHandle":
        return self

    def __exit__(self, *_: object) -> None:
        self.unregister()


class Clock:
    """Reads the time of day or a steady counter; for ROS time the class is ROSClock."""

    _clock_type: ClockType
    _jump_handles: list[JumpHandle]

    def __new__(cls, *, clock_type: ClockType = ClockType.SYSTEM_TIME) -> "Clock":  # noqa: D102
        if not isinstance(clock_type, ClockType):
            raise TypeError("Clock type must be a ClockType enum")
        clock = object.__new__(ROSClock if clock_type is ClockType.ROS_TIME else cls)
        clock._clock_type, clock._jump_handles = clock_type, []
        return clock

    def __repr__(self) -> str:
        return f"Clock(clock_type={self._clock_type.name})"

    @property
    def clock_type(self) -> ClockType:
        """What this clock reads."""
        return self._clock_type

    def now(self) -> Time:
        """The current time."""
        reading = time.monotonic_ns() if self._clock_type == ClockType.STEADY_TIME else time.time_ns()
        return Time(nanoseconds=reading, clock_type=self._clock_type)

    def create_jump_callback(
        self, threshold: JumpThreshold, *, pre_callback: Callable[[], Any] | None = None,
        post_callback: Callable[[TimeJump], Any] | None = None,
    ) -> JumpHandle:  # fmt: skip
        """Call back before and after jumps; only ROS time ever jumps."""
        return JumpHandle(clock=self, threshold=threshold, pre_callback=pre_callback, post_callback=post_callback)

    def sleep_for(self, rel_time: Duration, context: Any = None) -> bool:
        """Sleep; False if the context was shut down or the source of ROS time changed meanwhile."""
        return self.sleep_until(self.now() + rel_time, context)

    def sleep_until(self, until: Time, context: Any = None) -> bool:
        """Sleep until a moment of this clock; False if it was not reached."""
        from embedded_ros.context import get_default_context

        context = context or get_default_context()
        if not context.ok():
            raise NotInitializedException()
        if until.clock_type != self._clock_type:
            raise ValueError("until's clock type does not match this clock's type")
        woken, has_other_source = threading.Event(), False

        def wake(jump: TimeJump) -> None:
            nonlocal has_other_source
            has_other_source = has_other_source or jump.clock_change != ClockChange.ROS_TIME_NO_CHANGE
            woken.set()

        any_jump = JumpThreshold(min_forward=Duration(nanoseconds=1), min_backward=None)
        with self.create_jump_callback(any_jump, post_callback=wake):
            while context.ok() and not has_other_source and (left := until - self.now()).nanoseconds > 0:
                woken.clear()
                woken.wait(min(left.nanoseconds / NANOSECONDS, _LONGEST_NAP_S))
        return context.ok() and not has_other_source


class ROSClock(Clock):
    """A node's clock: the time of day, or while it is active the time that `set_ros_time_override` gives."""

    def __new__(cls) -> "ROSClock":  # noqa: D102
        clock = super().__new__(cls, clock_type=ClockType.ROS_TIME)
        assert isinstance(clock, ROSClock)
        return clock

    def __init__(self, **_: ClockType) -> None:
        self._override_ns = 0
        self._is_active = False

    def now(self) -> Time:
        """The time of day, or the simulated time."""
        reading = self._override_ns if self._is_active else time.time_ns()
        return Time(nanoseconds=reading, clock_type=ClockType.ROS_TIME)

    @property
    def ros_time_is_active(self) -> bool:
        """Whether simulated time is used."""
        return self._is_active

    def _set_ros_time_is_active(self, enabled: bool) -> None:
        if enabled == self._is_active:
            return
        change = ClockChange.ROS_TIME_ACTIVATED if enabled else ClockChange.ROS_TIME_DEACTIVATED
        self._jump(TimeJump(change, Duration()), is_active=enabled)

    def set_ros_time_override(self, time: Time) -> None:
        """Set the simulated time."""
        if not isinstance(time, Time):
            raise TypeError(f"Time must be specified as rclpy.time.Time. Received type: {type(time)}")
        delta = Duration(nanoseconds=time.nanoseconds - self._override_ns) if self._is_active else Duration()
        self._jump(TimeJump(ClockChange.ROS_TIME_NO_CHANGE, delta), override_ns=time.nanoseconds)

    def _jump(self, jump: TimeJump, is_active: bool | None = None, override_ns: int | None = None) -> None:
        concerned = [handle for handle in self._jump_handles if handle.concerns(jump)]
        for handle in concerned:
            if handle.pre_callback is not None:
                handle.pre_callback()
        self._is_active = self._is_active if is_active is None else is_active
        self._override_ns = self._override_ns if override_ns is None else override_ns
        for handle in concerned:
            if handle.post_callback is not None:
                handle.post_callback(jump)
