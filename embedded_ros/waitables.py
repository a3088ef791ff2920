"""What an executor waits for, and guard conditions."""

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
