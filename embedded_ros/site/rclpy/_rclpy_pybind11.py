"""Stands in for rclpy's compiled part: its exceptions."""

from embedded_ros.exceptions import (
    InvalidHandle,
    NodeNameNonExistentError,
    RCLError,
    RCLInvalidROSArgsError,
    UnknownROSArgsError,
)
