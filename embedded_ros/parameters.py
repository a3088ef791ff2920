"""Parameters: typed values, their messages, and the rules by which a new value is accepted."""

import array
import math
from enum import Enum
from pathlib import Path
from typing import Any

import yaml

from embedded_ros.arguments import flatten_parameters, load_ros_yaml
from embedded_ros.message_classes import message_class

PARAMETER_SEPARATOR_STRING = "."
_LIST_TYPES = (list, tuple, array.array)


class Parameter:
    """A name with a typed value."""

    class Type(Enum):
        """Types of values, numbered as in rcl_interfaces/ParameterType."""

        NOT_SET = 0
        BOOL = 1
        INTEGER = 2
        DOUBLE = 3
        STRING = 4
        BYTE_ARRAY = 5
        BOOL_ARRAY = 6
        INTEGER_ARRAY = 7
        DOUBLE_ARRAY = 8
        STRING_ARRAY = 9

        @classmethod
        def from_parameter_value(cls, parameter_value: Any) -> "Parameter.Type":
            """The type of a Python value; TypeError if no parameter can hold it."""
            # bool is a kind of int and comes before it.
            for kind in cls:
                if kind.check(parameter_value):
                    return kind
            raise TypeError(f"'{parameter_value}' is neither of an allowed type nor a list of one.")

        def check(self, parameter_value: Any) -> bool:
            """Whether a value is of this type."""
            if self.name in _SCALAR_TYPES:
                return isinstance(parameter_value, _SCALAR_TYPES[self.name])
            if self is Parameter.Type.NOT_SET:
                return parameter_value is None
            element = _ELEMENT_TYPES[self.name]
            return isinstance(parameter_value, _LIST_TYPES) and all(isinstance(v, element) for v in parameter_value)

    def __init__(self, name: str, type_: "Parameter.Type | None" = None, value: Any = None):
        type_ = Parameter.Type.from_parameter_value(value) if type_ is None else type_
        if not isinstance(type_, Parameter.Type):
            raise TypeError(f"type must be an instance of '{Parameter.Type!r}'")
        if not type_.check(value):
            raise ValueError(f"Type '{type_}' and value '{value}' do not agree")
        self._name, self._type, self._value = name, type_, value

    @property
    def name(self) -> str:
        """The parameter's name."""
        return self._name

    @property
    def type_(self) -> "Parameter.Type":
        """The value's type."""
        return self._type

    @property
    def value(self) -> Any:
        """The value; None when not set."""
        return self._value

    @classmethod
    def from_parameter_msg(cls, param_msg: Any) -> "Parameter":
        """The parameter of a rcl_interfaces/Parameter."""
        kind = Parameter.Type(param_msg.value.type)
        return cls(param_msg.name, kind, parameter_value_to_python(param_msg.value))

    def get_parameter_value(self) -> Any:
        """The value as rcl_interfaces/ParameterValue."""
        message = message_class("rcl_interfaces/msg/ParameterValue")(type=self._type.value)
        if self._type is not Parameter.Type.NOT_SET:
            value = list(self._value) if isinstance(self._value, tuple) else self._value
            setattr(message, f"{self._type.name.lower()}_value", value)
        return message

    def to_parameter_msg(self) -> Any:
        """The parameter as rcl_interfaces/Parameter."""
        return message_class("rcl_interfaces/msg/Parameter")(name=self._name, value=self.get_parameter_value())

    def __repr__(self) -> str:
        return f"Parameter({self._name!r}, {self._type}, {self._value!r})"


_SCALAR_TYPES: dict[str, type] = {"BOOL": bool, "INTEGER": int, "DOUBLE": float, "STRING": str}
_ELEMENT_TYPES: dict[str, type] = {
    "BYTE_ARRAY": bytes, "BOOL_ARRAY": bool, "INTEGER_ARRAY": int, "DOUBLE_ARRAY": float, "STRING_ARRAY": str,
}  # fmt: skip


def parameter_value_to_python(parameter_value: Any) -> Any:
    """The Python value of a rcl_interfaces/ParameterValue."""
    try:
        kind = Parameter.Type(parameter_value.type)
    except ValueError:
        raise RuntimeError(f"unexpected parameter type {parameter_value.type}") from None
    if kind is Parameter.Type.NOT_SET:
        return None
    value = getattr(parameter_value, f"{kind.name.lower()}_value")
    return list(value) if isinstance(value, _LIST_TYPES) else value


def get_parameter_value(string_value: str) -> Any:
    """The rcl_interfaces/ParameterValue of a value typed on a command line."""
    try:
        value = load_ros_yaml(string_value)
        return Parameter("", value=string_value if value is None else value).get_parameter_value()
    except (TypeError, yaml.YAMLError):
        return Parameter("", value=string_value).get_parameter_value()


def parameter_dict_from_yaml_file(
    parameter_file: str, use_wildcard: bool = False, target_nodes: list[str] | None = None, namespace: str = ""
) -> dict[str, Any]:  # fmt: skip
    """The rcl_interfaces/Parameter of each name in a parameter file.

    Args:
        parameter_file: path of the file.
        use_wildcard: take what stands under `/**` too, unless a node says otherwise.
        target_nodes: the nodes whose parameters are taken; all if empty.
        namespace: put before each name.

    Raises:
        RuntimeError: the file lacks a node, or is not a parameter file.
    """
    content = load_ros_yaml(Path(parameter_file).read_text(encoding="utf-8"))
    missing = [node for node in target_nodes or [] if node not in content]
    if missing:
        raise RuntimeError(f"Param file does not contain parameters for {missing}, only for nodes: {list(content)}")
    chosen = ["/**"] if use_wildcard and "/**" in content else []
    chosen += target_nodes or [node for node in content if node != "/**"]
    if not chosen:
        raise RuntimeError("Param file does not contain selected parameters")
    found: dict[str, Any] = {}
    for node in chosen:
        if not isinstance(content[node], dict) or "ros__parameters" not in content[node]:
            raise RuntimeError(f"YAML file is not a valid ROS parameter file for node {node}")
        found.update(flatten_parameters(namespace, content[node]["ros__parameters"]))
    messages = {name: message_class("rcl_interfaces/msg/Parameter")(name=name) for name in found}
    for name, value in found.items():
        messages[name].value = get_parameter_value(str(value))
    return messages


def descriptor_objection(parameter: Parameter, descriptor: Any, is_declared: bool, check_read_only: bool) -> str:
    """Why a value breaks the rules of its descriptor; empty when it does not."""
    if check_read_only and descriptor.read_only:
        return f"Trying to set a read-only parameter: {parameter.name}."
    if descriptor.dynamic_typing:
        descriptor.type = parameter.type_.value
    elif is_declared and parameter.type_ is Parameter.Type.NOT_SET:
        return "Static parameter cannot be undeclared"
    elif parameter.type_ is not Parameter.Type.NOT_SET and parameter.type_.value != descriptor.type:
        return f"Wrong parameter type, expected '{Parameter.Type(descriptor.type)}' got '{parameter.type_}'"
    if parameter.type_ is Parameter.Type.INTEGER and descriptor.integer_range:
        return _range_objection(parameter, descriptor.integer_range[0], 0.0)
    if parameter.type_ is Parameter.Type.DOUBLE and descriptor.floating_point_range:
        return _range_objection(parameter, descriptor.floating_point_range[0], 1e-6)
    return ""


def _range_objection(parameter: Parameter, allowed: Any, tolerance: float) -> str:
    value = parameter.value
    low, high = sorted((allowed.from_value, allowed.to_value))
    if math.isclose(value, low, rel_tol=tolerance) or math.isclose(value, high, rel_tol=tolerance):
        return ""
    if not low < value < high:
        return f"Parameter {parameter.name} out of range. Min: {low}, Max: {high}, value: {value}"
    if allowed.step:
        nearest = low + round((value - low) / allowed.step) * allowed.step
        if not math.isclose(nearest, value, rel_tol=tolerance):
            text = f"The parameter value for {parameter.name} is not a valid step."
            return f"{text} Min: {low}, max: {high}, value: {value}, step: {allowed.step}"
    return ""
