"""The context of a process (its participant, its arguments, whether it still runs) and its signals."""

import atexit
import inspect
import os
import signal
import socket
import threading
import weakref
from collections.abc import Callable
from enum import IntEnum
from types import FrameType
from typing import Any

from embedded_ros.arguments import RosArguments, parse_arguments
from embedded_ros.errors import RCLError
from embedded_ros.exceptions import NotInitializedException
from embedded_ros.wire import Participant, WaitSet


class SignalHandlerOptions(IntEnum):
    """Which signals `init` handles."""

    NO = 0
    SIGINT = 1
    SIGTERM = 2
    ALL = 3


class Context:
    """Encloses everything between init and shutdown."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._callbacks: list[Callable[[], Callable[[], None] | None]] = []
        self._participant: Participant | None = None
        self._wait_sets: set[WaitSet] = set()
        self._running = False
        self._finished = False
        self.arguments = RosArguments()
        self.graph_announcer: Any = None

    def init(
        self, args: list[str] | None = None, *, initialize_logging: bool = True, domain_id: int | None = None
    ) -> None:
        """Parse arguments and join the DDS domain."""
        if domain_id is not None and domain_id < 0:
            raise RuntimeError(f"Domain id ({domain_id}) should not be lower than zero.")
        with self._lock:
            if self._participant is not None:
                raise RuntimeError("Context.init() must only be called once")
            self.arguments = parse_arguments(args)
            self._domain_id = int(os.environ.get("ROS_DOMAIN_ID") or 0) if domain_id is None else domain_id
            self._participant = Participant(self._domain_id)
            self._running = True
        if initialize_logging:
            from embedded_ros.log import get_logging_severity_from_string, set_logger_level

            for name, level in self.arguments.log_levels.items():
                set_logger_level(name, get_logging_severity_from_string(level))
        _contexts.add(self)

    @property
    def participant(self) -> Participant:
        """The DDS participant; NotInitializedException before init, RCLError after shutdown."""
        if self._participant is None:
            raise NotInitializedException()
        if self._participant._handle == 0:
            raise RCLError("the context was shut down")
        return self._participant

    def ok(self) -> bool:
        """Whether the context is between init and shutdown."""
        return self._running

    def shutdown(self) -> None:
        """End the context: wakes executors and leaves the DDS domain."""
        if self._participant is None:
            raise RuntimeError("Context must be initialized before it can be shutdown")
        if not self._running:
            raise RCLError("failed to shutdown: rcl_shutdown already called on the given context")
        self._finish()

    def try_shutdown(self) -> None:
        """End the context unless that has happened; frees what a signal left."""
        if self._participant is not None:
            self._finish()

    destroy = try_shutdown

    def _finish(self) -> None:
        self.stop()
        with self._lock:
            callbacks, self._callbacks = self._callbacks, []
        for weak_callback in callbacks:
            callback = weak_callback()
            if callback is not None:
                callback()
        with self._lock:
            self._finished = True
            self._delete_if_unused()

    def stop(self) -> None:
        """Mark the context as shut down and wake all waiting executors; safe in a signal handler."""
        self._running = False
        for wait_set in list(self._wait_sets):
            wait_set.wake()

    def enter_wait(self, wait_set: WaitSet) -> None:
        """Called before a thread waits, so that the participant outlives the wait."""
        with self._lock:
            self._wait_sets.add(wait_set)

    def leave_wait(self, wait_set: WaitSet) -> None:
        """Called when a thread has stopped waiting."""
        with self._lock:
            self._wait_sets.discard(wait_set)
            self._delete_if_unused()

    def _delete_if_unused(self) -> None:
        if self._finished and self._participant is not None and not self._wait_sets:
            self._participant.delete()

    def on_shutdown(self, callback: Callable[[], None]) -> None:
        """Call back when the context is shut down; methods are held weakly."""
        if not callable(callback):
            raise TypeError(f"callback should be a callable, got {type(callback)}")
        if self._participant is not None and not self._running:
            callback()
        elif inspect.ismethod(callback):
            self._callbacks.append(weakref.WeakMethod(callback))
        else:
            self._callbacks.append(lambda: callback)

    def get_domain_id(self) -> int:
        """The DDS domain that the context joined."""
        if self._participant is None:
            raise RuntimeError("Context must be initialized before it can have a domain id")
        return self._domain_id

    def __enter__(self) -> "Context":
        self.init()
        return self

    def __exit__(self, *_: object) -> None:
        self.try_shutdown()


_contexts: "weakref.WeakSet[Context]" = weakref.WeakSet()
_default_context: Context | None = None


def get_default_context(*, shutting_down: bool = False) -> Context:
    """The context that is used where none is given; a new one after the last was shut down."""
    global _default_context
    if _default_context is None:
        _default_context = Context()
    return _default_context


def forget_default_context() -> None:
    """Make the next `get_default_context` start a new context."""
    global _default_context
    _default_context = None


@atexit.register
def _leave_all_domains() -> None:
    for context in list(_contexts):
        context.try_shutdown()


class _SignalHandling:
    """Handlers of SIGINT and SIGTERM that shut contexts down and wake threads blocked in the DDS library.

    A Python handler runs only once the main thread is back in Python, so a thread of its own hears of the
    signal through the wake-up descriptor and ends the main thread's wait.
    """

    def __init__(self) -> None:
        self.options = SignalHandlerOptions.NO
        self._previous: dict[int, Any] = {}
        self._sockets: tuple[socket.socket, socket.socket] | None = None

    def install(self, options: SignalHandlerOptions) -> None:
        """Handle the chosen signals; outside the main thread, where Python forbids that, do nothing."""
        self.uninstall()
        handled = {signal.SIGINT: SignalHandlerOptions.SIGINT, signal.SIGTERM: SignalHandlerOptions.SIGTERM}
        chosen = [number for number, option in handled.items() if options & option]
        if not chosen or threading.current_thread() is not threading.main_thread():
            return
        self.options = SignalHandlerOptions(options)
        receiver, sender = self._sockets = socket.socketpair()
        sender.setblocking(False)
        signal.set_wakeup_fd(sender.fileno(), warn_on_full_buffer=False)
        threading.Thread(target=self._wake_waiting_threads, args=(receiver,), daemon=True).start()
        for number in chosen:
            self._previous[number] = signal.signal(number, self._handle)

    def uninstall(self) -> None:
        """Restore the handlers that were there before."""
        if self._sockets is None or threading.current_thread() is not threading.main_thread():
            return
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(-1)
        # The thread ends when its peer is closed.
        self._sockets[1].close()
        self._previous, self._sockets, self.options = {}, None, SignalHandlerOptions.NO

    def _wake_waiting_threads(self, receiver: socket.socket) -> None:
        with receiver:
            while receiver.recv(64):
                for context in list(_contexts):
                    for wait_set in list(context._wait_sets):
                        wait_set.wake()

    def _handle(self, number: int, frame: FrameType | None) -> None:
        for context in list(_contexts):
            context.stop()
        previous = self._previous.get(number)
        if callable(previous):
            previous(number, frame)


_signal_handling = _SignalHandling()
install_signal_handlers = _signal_handling.install
uninstall_signal_handlers = _signal_handling.uninstall


def get_current_signal_handlers_options() -> SignalHandlerOptions:
    """Which signals are handled now."""
    return _signal_handling.options
