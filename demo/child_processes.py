"""Programs that the demo starts beside itself, and their clean end."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

INTERRUPT_PATIENCE_S = 10.0


@contextmanager
def _interrupts_restored() -> Iterator[None]:
    """Lets programs started inside react to SIGINT even if this one was started in the background, ignoring it."""
    previous = signal.getsignal(signal.SIGINT)
    if previous is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        if previous is signal.SIG_IGN:
            signal.signal(signal.SIGINT, signal.SIG_IGN)


class ChildProcess:
    """A program in a process group of its own; leaving the `with` block ends the whole group.

    Args:
        command: program and arguments.
    """

    def __init__(self, command: Sequence[str]):
        self._command = list(command)

    def __enter__(self) -> "ChildProcess":
        with _interrupts_restored():
            self._process = subprocess.Popen(self._command, start_new_session=True)
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def has_ended(self) -> bool:
        """Whether the program is not running any more."""
        return self._process.poll() is not None

    def stop(self) -> None:
        """Interrupts the whole group as Ctrl-C does, waits, and kills what is left of it after that."""
        if not self.has_ended():
            os.killpg(self._process.pid, signal.SIGINT)
        deadline_s = time.monotonic() + INTERRUPT_PATIENCE_S
        while self._group_is_alive() and time.monotonic() < deadline_s:
            time.sleep(0.05)
        if self._group_is_alive():
            os.killpg(self._process.pid, signal.SIGKILL)
            print(f"{' '.join(self._command)}: had to be killed", flush=True)
        self._process.wait()

    def _group_is_alive(self) -> bool:
        self._process.poll()
        try:
            os.killpg(self._process.pid, 0)
        except ProcessLookupError:
            return False
        return True
