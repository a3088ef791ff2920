"""Fills messages from YAML, as `service call` takes it; every error names the field.

A mapping fills a message, fields that are left out keep their defaults. Integers are taken for floating point fields,
nothing else is converted.
"""

import math
from typing import Any

import numpy as np
import yaml
from rosbags.interfaces import Nodetype

from embedded_ros.arguments import load_ros_yaml
from embedded_ros.commands.parsing import CommandError, what_exists
from embedded_ros.interface_table import STRUCT_CODES, find_interface
from embedded_ros.message_classes import Message, message_class

_LARGEST_FLOAT32 = float(np.finfo(np.float32).max)
_INTEGERS = {name for name, code in STRUCT_CODES.items() if code in "bBhHiIqQ"}


class InvalidValueError(CommandError):
    """A value does not fit its field."""

    def __init__(self, path: str, expected: str, value: Any):
        shown = repr(value)
        shown = shown if len(shown) <= 60 else f"{shown[:60]}..."
        super().__init__(f"field '{path}': expected {expected}, got {type(value).__name__} {shown}")


def parse_values(text: str) -> dict:
    """The mapping that a user typed as YAML; empty text is an empty mapping.

    Raises:
        CommandError: it is not YAML, or YAML but no mapping.
    """
    try:
        values = load_ros_yaml(text)
    except yaml.YAMLError as error:
        raise CommandError(f"the values are not valid YAML: {error}") from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise CommandError(f"the values must be a mapping such as '{{field: value}}', not {type(values).__name__}")
    return values


def fill_message(message: Message, values: dict, path: str = "") -> None:
    """Set the fields of a message.

    Args:
        message: of any type; fields that `values` does not name keep what they have.
        values: as given by `parse_values`.
        path: where the message is in another one, for errors.

    Raises:
        InvalidValueError: a value is of a wrong type, out of range or of a wrong length.
        CommandError: a field that the message has not; the text lists those that it has.
    """
    descriptions = dict(find_interface(message.FULL_NAME).fields)
    for name, value in values.items():
        if name not in message.FIELDS:
            owner = f"'{path}' of type {message.FULL_NAME}" if path else message.FULL_NAME
            raise CommandError(f"{owner} has no field '{name}'; {what_exists('fields', message.FIELDS)}")
        setattr(message, name, _value(descriptions[name], value, f"{path}.{name}" if path else name))


def _value(description: Any, value: Any, path: str) -> Any:
    node, argument = description
    if node == Nodetype.NAME:
        return _message(argument, value, path)
    if node == Nodetype.BASE:
        return _scalar(argument[0], argument[1], value, path)
    return _sequence(description, value, path)


def _message(type_name: str, value: Any, path: str) -> Message:
    message = message_class(type_name)()
    if isinstance(value, dict):
        fill_message(message, value, path)
    elif value is not None:
        raise InvalidValueError(path, f"a mapping with the fields of {type_name}", value)
    return message


def _sequence(description: Any, value: Any, path: str) -> Any:
    node, (element, length) = description
    is_bytes = isinstance(value, bytes) and element == (Nodetype.BASE, ("uint8", 0))
    if not is_bytes and not isinstance(value, list):
        raise InvalidValueError(path, "a list", value)
    if node == Nodetype.ARRAY and len(value) != length:
        raise InvalidValueError(path, f"{length} elements instead of {len(value)}", value)
    if node == Nodetype.SEQUENCE and length and len(value) > length:
        raise InvalidValueError(path, f"at most {length} elements instead of {len(value)}", value)
    if is_bytes:
        return value
    return [_value(element, item, f"{path}[{index}]") for index, item in enumerate(value)]


def _scalar(base: str, bound: int, value: Any, path: str) -> Any:
    if base in _INTEGERS or base == "byte":
        limits = np.iinfo(STRUCT_CODES["uint8" if base == "byte" else base])
        # bool is a kind of int.
        if type(value) is not int or not limits.min <= value <= limits.max:
            raise InvalidValueError(path, f"an integer from {limits.min} to {limits.max}", value)
        return bytes((value,)) if base == "byte" else value
    if base in ("float32", "float64"):
        return _float(base, value, path)
    expected, name = (bool, "true or false") if base == "bool" else (str, "a string (put it in quotes)")
    if not isinstance(value, expected):
        raise InvalidValueError(path, name, value)
    if bound and isinstance(value, str) and len(value) > bound:
        raise InvalidValueError(path, f"at most {bound} characters", value)
    return value


def _float(base: str, value: Any, path: str) -> float:
    if type(value) not in (int, float):
        raise InvalidValueError(path, "a number", value)
    try:
        number = float(value)
    except OverflowError:
        raise InvalidValueError(path, f"a number that fits {base}", value) from None
    if base == "float32" and math.isfinite(number) and abs(number) > _LARGEST_FLOAT32:
        raise InvalidValueError(path, "a number that fits float32", value)
    return number
