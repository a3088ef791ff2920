"""Processes that tests start and watch, and waiting with a deadline."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class Script:
    """A Python process of a test, whose output is read line by line."""

    def __init__(self, path: Path, arguments: tuple[str, ...]):
        folders = [str(ROOT / "embedded_ros" / "site"), str(ROOT)]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(folders), "PYTHONUNBUFFERED": "1"}
        self.process = subprocess.Popen(
            [sys.executable, str(path), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment,
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip())

    def wait_for_line(self, text: str, timeout_s: float = 60.0) -> str:
        """The first line that contains a text."""
        end = time.monotonic() + timeout_s
        while time.monotonic() < end:
            for line in list(self.lines):
                if text in line:
                    return line
            time.sleep(0.01)
        raise AssertionError(f"no line with {text!r} among {self.lines}")

    def wait(self, timeout_s: float = 60.0) -> int:
        """The exit status."""
        status = self.process.wait(timeout_s)
        self._reader.join(2.0)
        return status

    def stop(self) -> None:
        """End the process, however it stands."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def wait_until(condition: Callable[[], bool], timeout_s: float = 30.0) -> bool:
    """Whether a condition comes true in time."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.01)
    return False


def spin_until(node, condition: Callable[[], bool], timeout_s: float = 30.0) -> bool:
    """Spin a node until a condition comes true; whether it did."""
    import rclpy

    end = time.monotonic() + timeout_s
    while not condition() and time.monotonic() < end:
        rclpy.spin_once(node, timeout_sec=0.02)
    return condition()
