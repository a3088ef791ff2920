"""Stands in for launch.launch_service."""

from embedded_ros.errors import refuse_unknown_names
from embedded_ros.launch_service import LaunchService

__getattr__ = refuse_unknown_names(__name__)
