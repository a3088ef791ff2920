"""Stands in for launch.utilities."""

from embedded_ros.launch_substitutions import normalize_to_list_of_substitutions, perform_substitutions
