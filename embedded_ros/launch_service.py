"""Runs a launch description: starts its processes, follows their ends, and stops them in order."""

import functools
import queue
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from typing import Any

from embedded_ros.launch_actions import LaunchDescription, run_entities
from embedded_ros.launch_processes import ExecuteProcess
from embedded_ros.launch_substitutions import LaunchContext

_HANDLED_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class LaunchService:
    """Executes launch descriptions until all their processes have ended.

    `run` returns 0, or 1 if the description failed or a process died by itself with another status than 0.
    (`ros2 launch` reports only the first; a script that starts a launch file needs both.)
    """

    def __init__(self, *, argv: Iterable[str] | None = None, noninteractive: bool = False, debug: bool = False):
        self.context = LaunchContext()
        self.context.service = self
        self._descriptions: list[LaunchDescription] = []
        self._events: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._running: list[ExecuteProcess] = []
        self._stop_started: float | None = None
        self._write_lock = threading.Lock()
        self._status = 0

    def include_launch_description(self, launch_description: LaunchDescription) -> None:
        """Add a description to what `run` executes."""
        self._descriptions.append(launch_description)

    def shutdown(self, reason: str = "LaunchService.shutdown() called") -> None:
        """End the launch; may be called by any thread and by signal handlers."""
        self._events.put(functools.partial(self._start_stopping, reason))

    def write(self, sink: Any, line: str) -> None:
        """Print one line."""
        with self._write_lock:
            print(line, file=sink, flush=True)

    def log(self, severity: str, name: str, text: str) -> None:
        """Print one of the launcher's own messages."""
        self.write(sys.stderr if severity == "ERROR" else sys.stdout, f"[{severity}] [{name}]: {text}")

    def process_started(self, action: ExecuteProcess, pid: int) -> None:
        """Follow a process that was started."""
        self._running.append(action)
        self.log("INFO", action.process_name, f"process started with pid [{pid}]")

    def process_ended(self, action: ExecuteProcess, pid: int, returncode: int) -> None:
        """Hear of a process's end; may be called by any thread."""
        self._events.put(functools.partial(self._forget_process, action, pid, returncode))

    def run(self) -> int:
        """Execute the descriptions and wait for the end; returns the exit status."""
        previous = {number: signal.signal(number, self._on_signal) for number in _HANDLED_SIGNALS}
        try:
            self._execute_descriptions()
            while self._running or not self._events.empty():
                try:
                    handle_event = self._events.get(timeout=0.1)
                except queue.Empty:
                    self._escalate()
                else:
                    handle_event()
            return self._status
        finally:
            for action in self._running:
                action.signal(signal.SIGKILL)
            for number, handler in previous.items():
                signal.signal(number, handler)

    def _execute_descriptions(self) -> None:
        try:
            run_entities(self._descriptions, self.context)
        except Exception as error:
            self._status = 1
            self.log("ERROR", "launch", f"Caught exception in launch: {error}")
            if not isinstance(error, (RuntimeError, OSError, LookupError, ValueError)):
                traceback.print_exc()
            self.shutdown("an error in the launch description")

    def _forget_process(self, action: ExecuteProcess, pid: int, returncode: int) -> None:
        self._running.remove(action)
        if returncode == 0:
            self.log("INFO", action.process_name, f"process has finished cleanly [pid {pid}]")
            return
        text = f"process has died [pid {pid}, exit code {returncode}, cmd '{action.process_command}']."
        self.log("ERROR", action.process_name, text)
        if self._stop_started is None:
            self._status = 1

    def _on_signal(self, number: int, frame: Any) -> None:
        self.shutdown(f"user interrupted with {signal.Signals(number).name}")

    def _start_stopping(self, reason: str) -> None:
        if self._stop_started is None:
            self._stop_started = time.monotonic()
            self.log("INFO", "launch", f"shutting down: {reason}")
            self._signal_all(signal.SIGINT, self._running)

    def _escalate(self) -> None:
        """Processes that did not end after SIGINT get SIGTERM, then SIGKILL."""
        if self._stop_started is None:
            return
        elapsed = time.monotonic() - self._stop_started
        for number, delay in ((signal.SIGTERM, lambda t: t[0]), (signal.SIGKILL, lambda t: t[0] + t[1])):
            late = [action for action in self._running if elapsed >= delay(action.stop_timeouts)]
            self._signal_all(number, [action for action in late if number not in action.sent_signals])

    def _signal_all(self, number: signal.Signals, actions: list[ExecuteProcess]) -> None:
        for action in actions:
            action.sent_signals.add(number)
            self.log("INFO", action.process_name, f"sending signal '{number.name}' to process")
            action.signal(number)


def parse_launch_arguments(launch_arguments: Iterable[str]) -> list[tuple[str, str]]:
    """`name:=value` arguments as pairs; the last of a name wins."""
    parsed: dict[str, str] = {}
    for argument in launch_arguments:
        name, separator, value = argument.partition(":=")
        if not separator or not name or (not value and argument.count(":=") == 1):
            raise RuntimeError(f"malformed launch argument '{argument}', expected format '<name>:=<value>'")
        parsed[name] = value
    return list(parsed.items())


def show_arguments(description: LaunchDescription) -> str:
    """What `--show-args` prints."""
    arguments = description.get_launch_arguments()
    lines = ["Arguments (pass arguments as '<name>:=<value>'):", *(argument.help_text() for argument in arguments)]
    return "\n".join(lines if arguments else [*lines, "\n  No arguments."])
