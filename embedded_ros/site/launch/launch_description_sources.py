"""Stands in for launch.launch_description_sources."""

from embedded_ros.errors import refuse_unknown_names
from embedded_ros.launch_actions import PythonLaunchDescriptionSource

__getattr__ = refuse_unknown_names(__name__)
