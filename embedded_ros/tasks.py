"""Futures, and tasks that run a callback or coroutine inside an executor."""

import functools
import inspect
import sys
import threading
from collections.abc import Callable, Generator
from typing import Any

from embedded_ros.errors import refuse_members


class Future:
    """A result that will be there later."""

    def __init__(self, *, executor: Any = None):
        self._lock = threading.RLock()
        self._done = False
        self._cancelled = False
        self._result: Any = None
        self._exception: BaseException | None = None
        self._exception_fetched = False
        self._actions: list[Callable[[Future], Any]] = []
        self._executor = executor

    def __await__(self) -> Generator["Future", None, Any]:
        while not self._done:
            yield self
        return self.result()

    def __del__(self) -> None:
        if getattr(self, "_exception", None) is not None and not self._exception_fetched and sys.stderr:
            print(f"The following exception was never retrieved: {self._exception}", file=sys.stderr)

    def cancel(self) -> None:
        """Give up waiting; done callbacks run."""
        with self._lock:
            if not self._done:
                self._cancelled = self._done = True
        self._run_callbacks()

    def cancelled(self) -> bool:
        """Whether it was cancelled."""
        return self._cancelled

    def done(self) -> bool:
        """Whether there is a result or an exception, or it was cancelled."""
        return self._done

    def result(self) -> Any:
        """The result; None when there is none yet; raises the exception if there is one."""
        if self._exception is not None:
            self._exception_fetched = True
            raise self._exception
        return self._result

    def exception(self) -> BaseException | None:
        """The exception with which it ended."""
        self._exception_fetched = True
        return self._exception

    def set_result(self, result: Any) -> None:
        """End with a result."""
        with self._lock:
            self._result = result
            self._done = True
        self._run_callbacks()

    def set_exception(self, exception: BaseException) -> None:
        """End with an exception."""
        with self._lock:
            self._exception = exception
            self._exception_fetched = False
            self._done = True
        self._run_callbacks()

    def add_done_callback(self, callback: Callable[["Future"], Any]) -> None:
        """Call back when done: in the executor if there is one, else right where it ends."""
        self.call_when_done(functools.partial(_call_back, callback))

    def call_when_done(self, action: Callable[["Future"], Any]) -> None:
        """Call right where it ends, or now if it has ended; `action` must not raise."""
        with self._lock:
            if not self._done:
                self._actions.append(action)
                return
        action(self)

    def _set_executor(self, executor: Any) -> None:
        self._executor = executor

    def _run_callbacks(self) -> None:
        with self._lock:
            actions, self._actions = self._actions, []
        for action in actions:
            action(self)


def _call_back(callback: Callable[[Future], Any], future: Future) -> None:
    if future._executor is not None:
        future._executor.create_task(callback, future)
        return
    try:
        callback(future)
    except Exception as error:
        print(f"Unhandled exception in done callback: {error!r}", file=sys.stderr)


refuse_members(Future, "remove_done_callback")


class Task(Future):
    """Runs a function or coroutine, step by step while it awaits other futures."""

    def __init__(self, handler: Any, args: tuple = (), kwargs: dict | None = None, executor: Any = None):
        super().__init__(executor=executor)
        self._handler, self._args, self._kwargs = handler, args, kwargs or {}
        self._coroutine: Any = handler if inspect.iscoroutine(handler) else None
        self._step_lock = threading.Lock()

    def __call__(self) -> None:
        """Run until done or until a future that is not done is awaited."""
        # A resumed task may be picked up before the thread that suspended it has left: wait for that.
        with self._step_lock:
            if self._done:
                return
            try:
                self._step()
            except Exception as error:
                self.set_exception(error)

    def executing(self) -> bool:
        """Whether a thread runs it now."""
        return self._step_lock.locked()

    def _step(self) -> None:
        if self._coroutine is None:
            result = self._handler(*self._args, **self._kwargs)
            if not inspect.iscoroutine(result):
                self.set_result(result)
                return
            self._coroutine = result
        try:
            awaited = self._coroutine.send(None)
        except StopIteration as finished:
            self.set_result(finished.value)
            return
        if isinstance(awaited, Future):
            awaited.call_when_done(lambda _: self._executor.resume(self))
        elif self._executor is not None:
            self._executor.resume(self)

    def cancel(self) -> None:
        """Stop at the current await."""
        if self._coroutine is not None and self._step_lock.acquire(blocking=False):
            try:
                self._coroutine.close()
            finally:
                self._step_lock.release()
        super().cancel()
