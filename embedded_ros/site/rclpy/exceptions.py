"""Stands in for rclpy.exceptions."""

from embedded_ros.errors import refuse_unknown_names
from embedded_ros.exceptions import (
    InvalidHandle,
    InvalidNamespaceException,
    InvalidNodeNameException,
    InvalidParameterException,
    InvalidParameterTypeException,
    InvalidParameterValueException,
    InvalidServiceNameException,
    InvalidTopicNameException,
    NameValidationException,
    NotInitializedException,
    ParameterAlreadyDeclaredException,
    ParameterException,
    ParameterImmutableException,
    ParameterNotDeclaredException,
    ParameterUninitializedException,
    ROSInterruptException,
)

__getattr__ = refuse_unknown_names(__name__)
