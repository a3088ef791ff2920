"""Stands in for rclpy.node."""

from embedded_ros.exceptions import (
    ParameterAlreadyDeclaredException,
    ParameterNotDeclaredException,
    ParameterUninitializedException,
)
from embedded_ros.node import Node
from embedded_ros.parameters import Parameter
