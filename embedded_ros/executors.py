"""Executors: wait for what has happened and run its callbacks, in one thread or in a pool."""

import contextlib
import inspect
import os
import threading
import time
import warnings
from collections import Counter, deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from embedded_ros.cdr import MalformedDataError
from embedded_ros.context import Context, get_default_context
from embedded_ros.dds_library import INFINITE_NS
from embedded_ros.errors import InvalidHandle
from embedded_ros.exceptions import (
    ConditionReachedException,
    ExternalShutdownException,
    ShutdownException,
    TimeoutException,
)
from embedded_ros.log import get_logger
from embedded_ros.tasks import Future, Task
from embedded_ros.times import NANOSECONDS
from embedded_ros.wire import WaitSet


async def await_or_execute(callback: Any, *arguments: Any) -> Any:
    """Await a coroutine function, call anything else."""
    result = callback(*arguments)
    return await result if inspect.isawaitable(result) else result


class Executor:
    """Base of the executors: collects work; subclasses say which thread runs it."""

    def __init__(self, *, context: Context | None = None):
        self._context = get_default_context() if context is None else context
        self._wait_set = WaitSet(self._context.participant)
        self._nodes: list[Any] = []
        self._lock = threading.RLock()
        self._tasks: deque[Task] = deque()
        # What the current round has still to run: tasks, the newest last, and entities with their nodes.
        self._round: list[Task] = []
        self._triggered: deque[tuple[Any, Any]] = deque()
        self._is_shutdown = False
        # Thread -> how many callbacks it is inside of.
        self._busy: Counter[int] = Counter()
        self._busy_changed = threading.Condition()
        self._context.on_shutdown(self.wake)

    @property
    def context(self) -> Context:
        """The context that ends the executor when it is shut down."""
        return self._context

    def create_task(self, callback: Any, *args: Any, **kwargs: Any) -> Task:
        """Run a function or coroutine in this executor; the task is a future of its result."""
        task = Task(callback, args, kwargs, executor=self)
        self.resume(task)
        return task

    def resume(self, task: Task) -> None:
        """Queue a task for its next step."""
        self._tasks.append(task)
        self.wake()

    def add_node(self, node: Any) -> bool:
        """Run a node's callbacks from now on; False if that was so already."""
        with self._lock:
            if node in self._nodes:
                return False
            self._nodes.append(node)
        node.executor = self
        self.wake()
        return True

    def remove_node(self, node: Any) -> None:
        """Stop running a node's callbacks."""
        with self._lock:
            if node in self._nodes:
                self._nodes.remove(node)
                self._triggered = deque(entry for entry in self._triggered if entry[1] is not node)
        self.wake()

    def get_nodes(self) -> list[Any]:
        """The nodes whose callbacks are run."""
        with self._lock:
            return list(self._nodes)

    def wake(self) -> None:
        """Make a waiting spin look again at what there is to do."""
        self._wait_set.wake()

    def shutdown(self, timeout_sec: float | None = None) -> bool:
        """Stop, and wait for the callbacks that other threads run; False if they outlast the timeout."""
        self._is_shutdown = True
        self.wake()
        limit = None if timeout_sec is None or timeout_sec < 0 else timeout_sec
        own_thread = {threading.get_ident()}
        with self._busy_changed:
            if not self._busy_changed.wait_for(lambda: set(+self._busy) <= own_thread, limit):
                return False
        with self._lock:
            self._nodes.clear()
        return True

    def _execute(self, task: Task) -> None:
        thread = threading.get_ident()
        with self._busy_changed:
            self._busy[thread] += 1
        try:
            task()
        finally:
            with self._busy_changed:
                self._busy[thread] -= 1
                self._busy_changed.notify_all()

    def spin(self) -> None:
        """Run callbacks until shutdown; messages that cannot be read are logged and passed over."""
        while self._context.ok() and not self._is_shutdown:
            try:
                self.spin_once()
            except MalformedDataError as error:
                # What another process sends must not end this one.
                get_logger("rclpy").error(f"A message is passed over: {error}")

    def spin_once(self, timeout_sec: float | None = None) -> None:
        """Run one callback, or wait for one; None or a negative timeout waits for ever."""
        self._run_next(timeout_sec, lambda: False)

    def spin_until_future_complete(self, future: Future, timeout_sec: float | None = None) -> None:
        """Run callbacks until a future is done or the time is over."""
        end = None if timeout_sec is None or timeout_sec < 0 else time.monotonic() + timeout_sec
        while self._context.ok() and not future.done() and not self._is_shutdown:
            left = None if end is None else end - time.monotonic()
            if left is not None and left <= 0:
                return
            self.spin_once_until_future_complete(future, left)

    def spin_once_until_future_complete(self, future: Future, timeout_sec: float | None = None) -> None:
        """Run one callback, or return when a future is done."""
        if getattr(future, "_waking_executor", None) is not self:
            future._waking_executor = self  # type: ignore[attr-defined]
            future.call_when_done(lambda _: self.wake())
        self._run_next(timeout_sec, future.done)

    def _run_next(self, timeout_sec: float | None, is_over: Callable[[], bool]) -> None:
        """Run one callback, or wait for one until `is_over`."""
        raise NotImplementedError

    def wait_for_ready_callbacks(
        self, timeout_sec: float | None = None, nodes: list[Any] | None = None,
        condition: Callable[[], bool] = lambda: False,
    ) -> tuple[Task, Any, Any]:  # fmt: skip
        """The next piece of work, to be called, with the entity and the node that it is of (None for tasks).

        Args:
            timeout_sec: None or negative waits for ever.
            nodes: run only callbacks of these; of all if None.
            condition: ends the waiting when it is true.

        Raises:
            TimeoutException: nothing happened in time.
            ConditionReachedException: `condition` is true.
            ShutdownException: the executor was shut down.
            ExternalShutdownException: the context was shut down.
        """
        end_ns = None
        if timeout_sec is not None and timeout_sec >= 0:
            end_ns = time.monotonic_ns() + int(timeout_sec * NANOSECONDS)
        has_waited = False
        while True:
            if self._is_shutdown:
                raise ShutdownException()
            if not self._context.ok():
                raise ExternalShutdownException()
            if condition():
                raise ConditionReachedException()
            work = self._pop_work(nodes)
            if work is not None:
                return work
            if has_waited and end_ns is not None and time.monotonic_ns() >= end_ns:
                raise TimeoutException()
            while self._tasks:
                self._round.append(self._tasks.popleft())
            # Tasks do not keep entities waiting: each round has a look at both.
            self._wait(0 if self._round else end_ns, self.get_nodes() if nodes is None else nodes)
            has_waited = True

    def _pop_work(self, nodes: list[Any] | None) -> tuple[Task, Any, Any] | None:
        # As in rclpy the newest task comes first.
        if self._round:
            return self._round.pop(), None, None
        for _ in range(len(self._triggered)):
            with self._lock:
                if not self._triggered:
                    return None
                entity, node = self._triggered.popleft()
                if nodes is not None and node not in nodes:
                    self._triggered.append((entity, node))
                    continue
            task = self._start(entity)
            if task is not None:
                return task, entity, node
        return None

    def _start(self, entity: Any) -> Task | None:
        """Claim the entity's callback group and take what arrived; None when nothing is to be run."""
        group = entity.callback_group
        if not group.beginning_execution(entity):
            return None
        try:
            work = entity.take(self)
        except InvalidHandle:
            # Another thread destroyed the entity after it had triggered.
            work = None
        except BaseException:
            group.ending_execution(entity)
            raise
        if work is None:
            group.ending_execution(entity)
            return None

        async def run() -> None:
            try:
                await await_or_execute(work)
            finally:
                group.ending_execution(entity)
                self._callback_ended()

        return Task(run, executor=self)

    def _callback_ended(self) -> None:
        """Look again: the callback group is free."""
        self.wake()

    def _wait(self, end_ns: int | None, nodes: list[Any]) -> None:
        conditions: dict[int, tuple[Any, Any]] = {}
        expiring: list[tuple[Any, Any]] = []
        ends_ns = [] if end_ns is None else [end_ns]
        for node in nodes:
            for entity in node.waitables:
                if not entity.callback_group.can_execute(entity):
                    continue
                if entity.wait_handle is not None:
                    conditions[entity.wait_handle] = (entity, node)
                elif (due_ns := entity.next_call_ns()) is not None:
                    expiring.append((entity, node))
                    ends_ns.append(due_ns)
        timeout_ns = max(0, min(ends_ns) - time.monotonic_ns()) if ends_ns else INFINITE_NS
        self._context.enter_wait(self._wait_set)
        try:
            # A shutdown between the last look and here must not be waited for.
            fired = self._wait_set.wait(conditions, timeout_ns if self._context.ok() else 0)
        finally:
            self._context.leave_wait(self._wait_set)
        now_ns = time.monotonic_ns()
        due = [entry for entry in expiring if (due_ns := entry[0].next_call_ns()) is not None and due_ns <= now_ns]
        with self._lock:
            self._triggered.extend([*due, *fired])

    def __enter__(self) -> "Executor":
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()


class SingleThreadedExecutor(Executor):
    """Runs callbacks in the thread that spins."""

    def _callback_ended(self) -> None:
        """The spinning thread itself ran the callback and looks again anyway."""

    def _run_next(self, timeout_sec: float | None, is_over: Callable[[], bool]) -> None:
        with contextlib.suppress(ShutdownException, TimeoutException, ConditionReachedException):
            task, _, _ = self.wait_for_ready_callbacks(timeout_sec, condition=is_over)
            self._execute(task)
            if task.done():
                task.result()


class MultiThreadedExecutor(Executor):
    """Runs callbacks in a pool of threads, by default as many as there are processors.

    What a callback raises is raised by a later call of a spin method.
    """

    def __init__(self, num_threads: int | None = None, *, context: Context | None = None):
        super().__init__(context=context)
        num_threads = num_threads or len(os.sched_getaffinity(0))
        if num_threads == 1:
            warnings.warn(
                "MultiThreadedExecutor is used with a single thread.\nUse the SingleThreadedExecutor instead.",
                stacklevel=2,
            )
        self._executor = ThreadPoolExecutor(num_threads, thread_name_prefix="executor")
        self._failed: deque[Task] = deque()

    def shutdown(self, timeout_sec: float | None = None, *, wait_for_threads: bool = True) -> bool:
        """Stop, wait for the callbacks that run and, unless told otherwise, for the threads to end."""
        is_idle = super().shutdown(timeout_sec)
        self._executor.shutdown(wait=wait_for_threads)
        return is_idle

    def _run_next(self, timeout_sec: float | None, is_over: Callable[[], bool]) -> None:
        with contextlib.suppress(
            ShutdownException, ExternalShutdownException, TimeoutException, ConditionReachedException
        ):
            work = self.wait_for_ready_callbacks(timeout_sec, condition=lambda: is_over() or bool(self._failed))
            try:
                self._executor.submit(self._run, work[0])
            except RuntimeError:
                # Another thread shut the pool down after the work was found.
                if not self._is_shutdown:
                    raise
        if self._failed:
            self._failed.popleft().result()

    def _run(self, task: Task) -> None:
        self._execute(task)
        if task.done() and task._exception is not None:
            self._failed.append(task)
            self.wake()
