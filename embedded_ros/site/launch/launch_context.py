"""Stands in for launch.launch_context."""

from embedded_ros.launch_substitutions import LaunchContext
