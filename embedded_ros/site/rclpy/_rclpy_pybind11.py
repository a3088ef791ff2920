"""Stands in for rclpy's compiled part: its exceptions."""

from embedded_ros.errors import refuse_unknown_names
from embedded_ros.exceptions import (
    InvalidHandle,
    NodeNameNonExistentError,
    RCLError,
    RCLInvalidROSArgsError,
    UnknownROSArgsError,
)

__getattr__ = refuse_unknown_names(__name__)
