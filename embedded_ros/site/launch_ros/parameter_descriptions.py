"""Stands in for launch_ros.parameter_descriptions."""

from embedded_ros.launch_processes import ParameterValue
