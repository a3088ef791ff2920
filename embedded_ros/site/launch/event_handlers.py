"""Stands in for launch.event_handlers."""

from embedded_ros.errors import refuse_unknown_names
from embedded_ros.launch_processes import OnProcessExit, OnProcessStart

__getattr__ = refuse_unknown_names(__name__)
