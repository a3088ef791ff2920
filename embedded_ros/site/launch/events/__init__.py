"""Stands in for launch.events."""

from embedded_ros.errors import refuse_unknown_names
from embedded_ros.launch_actions import ShutdownEvent as Shutdown

__getattr__ = refuse_unknown_names(__name__)
