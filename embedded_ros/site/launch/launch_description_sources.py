"""Stands in for launch.launch_description_sources."""

from embedded_ros.launch_actions import PythonLaunchDescriptionSource
