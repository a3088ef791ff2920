"""Stands in for rclpy.logging."""

from embedded_ros.errors import refuse_unknown_names
from embedded_ros.log import (
    LoggingSeverity,
    _root_logger,
    clear_config,
    get_logger,
    get_logger_effective_level,
    get_logging_directory,
    get_logging_severity_from_string,
    set_logger_level,
)

__getattr__ = refuse_unknown_names(__name__)
