"""rclpy's exceptions."""

from typing import Any

from embedded_ros.errors import InvalidHandle, RCLError

__all__ = ["InvalidHandle", "RCLError"]


class NotInitializedException(Exception):  # noqa: N818 (all names in this file are rclpy's own)
    """rclpy is used before `rclpy.init()`."""

    def __init__(self, message: str | None = None):
        super().__init__("rclpy.init() has not been called." + (f" msg:{message}" if message else ""))


class ExternalShutdownException(Exception):  # noqa: N818
    """The context was shut down by a signal or by another thread."""


class TimeoutException(Exception):  # noqa: N818
    """Nothing happened before the timeout."""


class ConditionReachedException(Exception):  # noqa: N818
    """What an executor was to wait for has come true."""


class ShutdownException(Exception):  # noqa: N818
    """The executor was shut down."""


class ROSInterruptException(Exception):  # noqa: N818
    """An operation ended because rclpy shut down."""

    def __init__(self) -> None:
        super().__init__("rclpy.shutdown() has been called")


class NameValidationException(Exception):  # noqa: N818
    """A name of a node, topic or service is invalid."""

    name_type = "name"

    def __init__(self, name: str, error_msg: str, invalid_index: int):
        super().__init__(f"Invalid {self.name_type}: {error_msg}:\n  '{name}'\n   {' ' * invalid_index}^")


class InvalidNamespaceException(NameValidationException):
    """A namespace is invalid."""

    name_type = "namespace"


class InvalidNodeNameException(NameValidationException):
    """A node's name is invalid."""

    name_type = "node name"


class InvalidTopicNameException(NameValidationException):
    """A topic's name is invalid."""

    name_type = "topic name"


class InvalidServiceNameException(NameValidationException):
    """A service's name is invalid."""

    name_type = "service name"


class ParameterException(Exception):  # noqa: N818
    """Base of all errors about parameters."""

    def __init__(self, error_msg: str, parameters: Any):
        super().__init__(f"{error_msg}: {parameters}")


class ParameterNotDeclaredException(ParameterException):
    """An undeclared parameter is used."""

    def __init__(self, parameters: Any):
        super().__init__("Invalid access to undeclared parameter(s)", parameters)


class ParameterAlreadyDeclaredException(ParameterException):
    """A parameter is declared twice."""

    def __init__(self, parameters: Any):
        super().__init__("Parameter(s) already declared", parameters)


class InvalidParameterException(ParameterException):
    """A parameter's name is invalid."""

    def __init__(self, parameter_name: str):
        super().__init__("Invalid parameter name", parameter_name)


class InvalidParameterTypeException(ParameterException):
    """A parameter is given a value of another type than it was declared with."""

    def __init__(self, desired_parameter: Any, expected_type: Any):
        text = f"Trying to set parameter '{desired_parameter.name}' to '{desired_parameter.value}'"
        text += f" of type '{desired_parameter.type_.name}', expecting type '{expected_type}'"
        super().__init__(text, desired_parameter.name)


class InvalidParameterValueException(ParameterException):
    """A value is refused by a callback or by its descriptor."""

    def __init__(self, parameter: str, value: Any, reason: str):
        super().__init__(f"Invalid parameter value ({value}) for parameter. Reason: {reason}", parameter)


class ParameterImmutableException(ParameterException):
    """A read-only parameter is changed."""

    def __init__(self, parameter_name: str):
        super().__init__("Attempted to modify read-only parameter", parameter_name)


class ParameterUninitializedException(ParameterException):
    """A parameter is read that was declared without a value."""

    def __init__(self, parameter_name: str):
        super().__init__(f"The parameter '{parameter_name}' is not initialized", parameter_name)


class NodeNameNonExistentError(RCLError):
    """No node of this name is known."""


class RCLInvalidROSArgsError(RCLError):
    """What follows `--ros-args` cannot be parsed."""

    def __init__(self, message: str):
        super().__init__(f"Failed to parse ROS arguments: {message}")


class UnknownROSArgsError(RCLError):
    """An argument after `--ros-args` is unknown."""
