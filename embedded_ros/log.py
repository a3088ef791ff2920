"""Loggers that print as ROS does and publish on /rosout."""

import inspect
import os
import sys
import threading
import time
from enum import IntEnum
from typing import Any

from embedded_ros.message_classes import message_class


class LoggingSeverity(IntEnum):
    """Severities of log messages."""

    UNSET = 0
    DEBUG = 10
    INFO = 20
    WARN = 30
    ERROR = 40
    FATAL = 50


_COLOURS = {10: "\033[32m", 20: "\033[0m", 30: "\033[33m", 40: "\033[31m", 50: "\033[31m"}
_levels: dict[str, LoggingSeverity] = {"": LoggingSeverity.INFO}
_rosout_publishers: dict[str, Any] = {}
_print_lock = threading.Lock()


def get_logging_severity_from_string(log_severity: str) -> LoggingSeverity:
    """The severity of a name in any case; RuntimeError for an unknown one."""
    try:
        return LoggingSeverity[log_severity.upper()]
    except KeyError:
        raise RuntimeError(f"Failed to get severity from string '{log_severity}'") from None


def apply_log_levels(levels: dict[str, str]) -> None:
    """Set the levels that `--log-level` asks for."""
    for name, level in levels.items():
        _levels[name] = get_logging_severity_from_string(level)


def set_logger_level(name: str, level: int, detailed_error: bool = False) -> None:
    """Print messages of a logger from this severity on."""
    _levels[name] = LoggingSeverity(level)


def get_logger_effective_level(name: str) -> LoggingSeverity:
    """The level of a logger or of its nearest ancestor that has one."""
    while name and _levels.get(name, LoggingSeverity.UNSET) == LoggingSeverity.UNSET:
        name = name.rpartition(".")[0]
    return _levels.get(name) or LoggingSeverity.INFO


def attach_rosout(name: str, publisher: Any) -> None:
    """Publish what a logger and its children print."""
    _rosout_publishers[name] = publisher


def detach_rosout(name: str) -> None:
    """Stop publishing a logger's messages."""
    _rosout_publishers.pop(name, None)


class RcutilsLogger:
    """A named logger; children have names `parent.child`."""

    def __init__(self, name: str = ""):
        self.name = name
        # Where a call stands -> when it was last let through, for once / skip_first / throttle.
        self._seen: dict[tuple[str, int], float] = {}

    def get_child(self, name: str) -> "RcutilsLogger":
        """The logger `<self>.<name>`."""
        if not name:
            raise ValueError("Need a child name, not empty")
        return RcutilsLogger(f"{self.name}.{name}" if self.name else name)

    def set_level(self, level: int) -> None:
        """Print messages from this severity on."""
        set_logger_level(self.name, level)

    def get_effective_level(self) -> LoggingSeverity:
        """The level that counts for this logger."""
        return get_logger_effective_level(self.name)

    def is_enabled_for(self, severity: int) -> bool:
        """Whether messages of this severity are printed."""
        return severity >= self.get_effective_level()

    def log(
        self, message: str, severity: int, *, once: bool = False, skip_first: bool = False,
        throttle_duration_sec: float | None = None, throttle_time_source_type: str | None = None,
        name: str | None = None,
    ) -> bool:  # fmt: skip
        """Print a message unless its severity or one of the conditions forbids it; whether it was printed."""
        severity = LoggingSeverity(severity)
        if not self.is_enabled_for(severity):
            return False
        frame: Any = inspect.currentframe()
        while frame.f_back is not None and frame.f_code.co_filename == __file__:
            frame = frame.f_back
        if (once or skip_first or throttle_duration_sec is not None) and not self._passes(
            (frame.f_code.co_filename, frame.f_lineno), once, skip_first, throttle_duration_sec
        ):
            return False
        _emit(name or self.name, severity, str(message), frame.f_code, frame.f_lineno)
        return True

    def _passes(self, place: tuple[str, int], once: bool, skip_first: bool, period_s: float | None) -> bool:
        now = time.monotonic()
        last = self._seen.get(place)
        if last is None:
            self._seen[place] = now
            return not skip_first
        if once or (period_s is not None and now - last < period_s):
            return False
        self._seen[place] = now
        return True

    def debug(self, message: str, **kwargs: Any) -> bool:
        """Log with severity DEBUG."""
        return self.log(message, LoggingSeverity.DEBUG, **kwargs)

    def info(self, message: str, **kwargs: Any) -> bool:
        """Log with severity INFO."""
        return self.log(message, LoggingSeverity.INFO, **kwargs)

    def warning(self, message: str, **kwargs: Any) -> bool:
        """Log with severity WARN."""
        return self.log(message, LoggingSeverity.WARN, **kwargs)

    warn = warning

    def error(self, message: str, **kwargs: Any) -> bool:
        """Log with severity ERROR."""
        return self.log(message, LoggingSeverity.ERROR, **kwargs)

    def fatal(self, message: str, **kwargs: Any) -> bool:
        """Log with severity FATAL."""
        return self.log(message, LoggingSeverity.FATAL, **kwargs)


_root_logger = RcutilsLogger()


def get_logger(name: str) -> RcutilsLogger:
    """A logger by name; ValueError for an empty one."""
    if not name:
        raise ValueError("Logger name must not be empty.")
    return RcutilsLogger(name)


def _emit(name: str, severity: LoggingSeverity, message: str, code: Any, line: int) -> None:
    now_ns = time.time_ns()
    seconds, nanoseconds = divmod(now_ns, 1_000_000_000)
    text = f"[{severity.name}] [{seconds}.{nanoseconds:09d}] [{name}]: {message}"
    forced = os.environ.get("RCUTILS_COLORIZED_OUTPUT")
    if forced == "1" or (forced is None and sys.stderr.isatty()):
        text = f"{_COLOURS[severity]}{text}\033[0m"
    with _print_lock:
        print(text, file=sys.stderr, flush=True)
    publisher = _find_publisher(name)
    if publisher is not None:
        log_type = message_class("rcl_interfaces/msg/Log")
        stamp = message_class("builtin_interfaces/msg/Time")(sec=seconds, nanosec=nanoseconds)
        publisher.publish(
            log_type(
                stamp=stamp, level=int(severity), name=name, msg=message, file=code.co_filename,
                function=code.co_name, line=line,
            )
        )  # fmt: skip


def _find_publisher(name: str) -> Any:
    while name and name not in _rosout_publishers:
        name = name.rpartition(".")[0]
    publisher = _rosout_publishers.get(name)
    return publisher if publisher is not None and publisher.is_usable else None
