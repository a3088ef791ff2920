"""A bounded first-in, first-out queue of requests that one worker thread answers."""

import concurrent.futures
import contextlib
import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

from funcgrasp_core.errors import BusyError, CancelledError, ConfigurationError, ModelNotReadyError

Request = TypeVar("Request")
Result = TypeVar("Result")


class RequestTicket(Generic[Request, Result]):
    """What a caller holds while its request waits, runs and is answered."""

    def __init__(self, request: Request):
        self.request = request
        self._future: concurrent.futures.Future[Result] = concurrent.futures.Future()

    def done(self) -> bool:
        """Whether the request was answered, failed or was withdrawn."""
        return self._future.done()

    def cancel(self) -> bool:
        """Withdraws the request. Returns False if it runs already or is done; a running one is not interrupted."""
        return self._future.cancel()

    def result(self, timeout_s: float | None = None) -> Result:
        """The answer, waited for.

        Raises:
            CancelledError: the request was withdrawn, by its caller or because the queue was closed.
            TimeoutError: no answer within `timeout_s`; the request stays in the queue.
            Exception: whatever the handler raised for this request.
        """
        try:
            return self._future.result(timeout_s)
        except concurrent.futures.CancelledError:
            raise _withdrawn() from None
        except concurrent.futures.TimeoutError:  # an alias of TimeoutError only from Python 3.11 on
            if self._future.done():
                raise
            raise TimeoutError(f"No answer within {timeout_s} s; the request is still in the queue.") from None

    def add_done_callback(self, callback: Callable[["RequestTicket[Request, Result]"], None]) -> None:
        """Calls `callback(ticket)` once the ticket is done, at once if it is already.

        The callback runs in the worker's thread (or in the thread that cancels): it should only hand over.
        """
        self._future.add_done_callback(lambda _: callback(self))

    def run(self, handler: Callable[[Request], Result]) -> None:
        """Answers the request with `handler`, unless it was withdrawn. Called by the queue's worker."""
        if not self._future.set_running_or_notify_cancel():
            return
        # An abandoned request is answered already: what comes of it is dropped.
        with contextlib.suppress(concurrent.futures.InvalidStateError):
            try:
                answer = handler(self.request)
            except Exception as error:  # belongs to the caller, who meets it in result()
                self._future.set_exception(error)
            else:
                self._future.set_result(answer)

    def abandon(self) -> None:
        """Withdraws the request even if it runs: its caller meets CancelledError now, the handler's answer is lost."""
        if not self.cancel():
            with contextlib.suppress(concurrent.futures.InvalidStateError):
                self._future.set_exception(_withdrawn())


class RequestQueue(Generic[Request, Result]):
    """Answers requests one after another in a thread of its own.

    Args:
        handler: answers one request; what it raises is raised by the ticket's `result`.
        capacity: how many requests may wait while one runs; one more is refused with BusyError.
        name: of the worker thread.
    """

    def __init__(self, handler: Callable[[Request], Result], capacity: int = 4, name: str = "request_queue"):
        if capacity < 0:
            raise ConfigurationError(f"The queue's capacity must be 0 or more, got {capacity}.")
        self._handler = handler
        self._capacity = capacity
        self._waiting: deque[RequestTicket[Request, Result]] = deque()
        self._running: RequestTicket[Request, Result] | None = None
        self._is_closed = False
        self._changed = threading.Condition()
        self._worker = threading.Thread(target=self._work, name=name, daemon=True)
        self._worker.start()

    def __len__(self) -> int:
        """Number of requests that wait or run."""
        with self._changed:
            return self._num_unfinished()

    def submit(self, request: Request) -> RequestTicket[Request, Result]:
        """Puts a request at the end of the queue and returns at once.

        Raises:
            BusyError: as many requests as the queue holds are waiting.
            ModelNotReadyError: the queue was closed.
        """
        with self._changed:
            if self._is_closed:
                raise ModelNotReadyError("The planner takes no requests now: activate it and send the request again.")
            num_unfinished = self._num_unfinished()
            if num_unfinished > self._capacity:
                raise BusyError(
                    f"{num_unfinished} requests are unfinished, and while one runs only {self._capacity} may wait: "
                    "send this one again later."
                )
            ticket: RequestTicket[Request, Result] = RequestTicket(request)
            self._waiting.append(ticket)
            self._changed.notify()
        return ticket

    def close(self, timeout_s: float | None = None, abandon_running: bool = False) -> bool:
        """Refuses new requests, withdraws the waiting ones and waits for the running one. May be called again.

        Args:
            timeout_s: how long to wait; None: until the worker has ended.
            abandon_running: answer the caller of the running request with CancelledError at once. The handler cannot be
                interrupted; the worker ends when it returns.

        Returns:
            Whether the worker has ended within `timeout_s`.
        """
        with self._changed:
            self._is_closed = True
            withdrawn = list(self._waiting)
            self._waiting.clear()
            running = self._running
            self._changed.notify()
        for ticket in withdrawn:
            ticket.cancel()
        if abandon_running and running is not None:
            running.abandon()
        if self._worker is not threading.current_thread():
            self._worker.join(timeout_s)
        return not self._worker.is_alive()

    def _num_unfinished(self) -> int:
        """Requests that wait or run, after dropping those withdrawn meanwhile. The caller holds the lock."""
        self._waiting = deque(ticket for ticket in self._waiting if not ticket.done())
        return len(self._waiting) + (self._running is not None and not self._running.done())

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._is_closed)
                if not self._waiting:
                    return
                self._running = self._waiting.popleft()
            self._running.run(self._handler)


def _withdrawn() -> CancelledError:
    return CancelledError("The request was withdrawn before it was answered; send it again.")
