"""Stands in for rclpy.logging."""

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
