"""Stands in for launch_ros.substitutions."""

from embedded_ros.errors import refuse_unknown_names
from embedded_ros.launch_substitutions import FindPackageShare

__getattr__ = refuse_unknown_names(__name__)
