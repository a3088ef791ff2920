"""Stands in for launch_ros.substitutions."""

from embedded_ros.launch_substitutions import FindPackageShare
