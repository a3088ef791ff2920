"""Stands in for launch.utilities."""

from embedded_ros.errors import refuse_unknown_names
from embedded_ros.launch_substitutions import normalize_to_list_of_substitutions, perform_substitutions

__getattr__ = refuse_unknown_names(__name__)
