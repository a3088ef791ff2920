"""Stands in for launch.launch_context."""

from embedded_ros.errors import refuse_unknown_names
from embedded_ros.launch_substitutions import LaunchContext

__getattr__ = refuse_unknown_names(__name__)
