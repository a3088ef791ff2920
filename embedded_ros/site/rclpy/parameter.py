"""Stands in for rclpy.parameter."""

from embedded_ros.parameters import (
    PARAMETER_SEPARATOR_STRING,
    Parameter,
    get_parameter_value,
    parameter_dict_from_yaml_file,
    parameter_value_to_python,
)
