"""Loggers that print as ROS does and publish on /rosout."""

import inspect
import os
import sys
import threading
import time
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Any

from embedded_ros.clocks import Clock
from embedded_ros.message_classes import message_class
from embedded_ros.times import NANOSECONDS


class LoggingSeverity(IntEnum):
    """Severities of log messages."""

    UNSET = 0
    DEBUG = 10
    INFO = 20
    WARN = 30
    ERROR = 40
    FATAL = 50


_COLOURS = {10: "\033[32m", 20: "\033[0m", 30: "\033[33m", 40: "\033[31m", 50: "\033[31m"}
_levels: dict[str, LoggingSeverity] = {}
_rosout_publishers: dict[str, Any] = {}
_print_lock = threading.Lock()


def get_logging_severity_from_string(log_severity: str) -> LoggingSeverity:
    """The severity of a name in any case; RuntimeError for an unknown one."""
    try:
        return LoggingSeverity[log_severity.upper()]
    except KeyError:
        raise RuntimeError(f"Failed to get severity from string '{log_severity}'") from None


def set_logger_level(name: str, level: int, detailed_error: bool = False) -> None:
    """Print messages of a logger from this severity on."""
    _levels[name] = LoggingSeverity(level)


def get_logger_effective_level(name: str) -> LoggingSeverity:
    """The level of a logger or of its nearest ancestor that has one."""
    while name and _levels.get(name, LoggingSeverity.UNSET) == LoggingSeverity.UNSET:
        name = name.rpartition(".")[0]
    return _levels.get(name, LoggingSeverity.INFO)


def clear_config() -> None:
    """Forget all levels that were set."""
    _levels.clear()


def get_logging_directory() -> Path:
    """Where ROS puts log files: ROS_LOG_DIR, else `log` in ROS_HOME, else `~/.ros/log`."""
    folder = os.environ.get("ROS_LOG_DIR")
    return Path(folder or Path(os.environ.get("ROS_HOME") or "~/.ros") / "log").expanduser()


def attach_rosout(name: str, publisher: Any) -> None:
    """Publish what a logger and its children print."""
    _rosout_publishers[name] = publisher


def detach_rosout(name: str) -> None:
    """Stop publishing a logger's messages."""
    _rosout_publishers.pop(name, None)


# What each filter takes, in the order in which filters are asked; None must be given.
_FILTERS: dict[str, dict[str, Any]] = {
    "throttle": {"throttle_duration_sec": None, "throttle_time_source_type": Clock()},
    "skip_first": {"skip_first": None},
    "once": {"once": None},
}
_OPTIONS = [option for options in _FILTERS.values() for option in options]


@dataclass
class _CallSite:
    """A place that logs: what it asked for at first, and what its filters remember."""

    severity: LoggingSeverity
    name: str
    filters: dict[str, dict[str, Any]]
    last_ns: int = 0
    was_skipped: bool = False
    was_logged: bool = False

    def refuse_changes(self, severity: LoggingSeverity, name: str, filters: dict[str, dict[str, Any]]) -> None:
        """ValueError if a later call from the same place asks for something else."""
        for what, before, now in (
            ("Logger severity", self.severity, severity),
            ("Logger name", self.name, name),
            ("Requested logging filters", list(self.filters), list(filters)),
            ("Logging filter parameters", self.filters, filters),
        ):
            if before != now:
                raise ValueError(f"{what} cannot be changed between calls.")

    def passes(self) -> bool:
        """Whether the filters let this call through."""
        for name, options in self.filters.items():
            if name == "throttle":
                now_ns = options["throttle_time_source_type"].now().nanoseconds
                if now_ns < self.last_ns + options["throttle_duration_sec"] * NANOSECONDS:
                    return False
                self.last_ns = now_ns
            elif name == "skip_first":
                if not self.was_skipped:
                    self.was_skipped = True
                    return False
            elif self.was_logged:
                return False
            else:
                self.was_logged = True
        return True


def _chosen_filters(options: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The filters that a call asks for with all their options; TypeError for an option too few or too many."""
    chosen = {}
    for name, defaults in _FILTERS.items():
        if not any(options.get(option) for option in defaults):
            continue
        chosen[name] = {option: options.get(option, default) for option, default in defaults.items()}
        for option, value in chosen[name].items():
            if value is None:
                raise TypeError(
                    f'required parameter "{option}" not specified but is required for the logging filter "{name}"'
                )
    for option in options:
        if option not in _OPTIONS:
            raise TypeError(f'parameter "{option}" is not one of the recognized logging options "{_OPTIONS}"')
    return chosen


class RcutilsLogger:
    """A named logger; children have names `parent.child`."""

    def __init__(self, name: str = ""):
        self.name = name
        self._call_sites: dict[tuple[Any, int], _CallSite] = {}

    def get_child(self, name: str) -> "RcutilsLogger":
        """The logger `<self>.<name>`."""
        if not name:
            raise ValueError("Child logger name must not be empty.")
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

    def log(self, message: str, severity: int, **kwargs: Any) -> bool:
        """Print a message unless its severity or a filter forbids it; whether it was printed.

        Args:
            message: the text.
            severity: a LoggingSeverity.
            kwargs: `name` for another logger's name; the filters `once`, `skip_first` and
                `throttle_duration_sec` with `throttle_time_source_type`, a Clock.

        Raises:
            TypeError: a filter lacks an option, or an option is unknown.
            ValueError: the same place logged with another severity, name or filter before.
        """
        if not self.is_enabled_for(severity):
            return False
        severity = LoggingSeverity(severity)
        name = kwargs.pop("name", self.name)
        filters = _chosen_filters(kwargs)
        frame: Any = inspect.currentframe()
        while frame.f_back is not None and frame.f_code.co_filename == __file__:
            frame = frame.f_back
        place = (frame.f_code, frame.f_lasti)
        site = self._call_sites.setdefault(place, _CallSite(severity, name, filters))
        site.refuse_changes(severity, name, filters)
        if not site.passes():
            return False
        _emit(name, severity, str(message), frame.f_code, frame.f_lineno)
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
