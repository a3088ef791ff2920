"""Stands in for launch_ros.parameter_descriptions."""

from embedded_ros.errors import refuse_unknown_names
from embedded_ros.launch_processes import ParameterFile, ParameterValue

__getattr__ = refuse_unknown_names(__name__)
