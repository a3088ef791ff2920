"""C functions that print ROS messages as JSON, and the same values of Python's messages to compare with.

Both give a message as its fields by name, and bytes as their number and CRC-32.
"""

import array
import zlib
from collections.abc import Iterable
from typing import Any

import numpy as np
from interface_definitions import Definition
from rosbags.interfaces import Nodetype

BYTE_TYPES = ("uint8", "byte", "char")


def message_values(value: Any) -> Any:
    """A message, or a value of a field, as the C functions' output is when it is read again."""
    if hasattr(value, "get_fields_and_field_types"):
        return {name: message_values(getattr(value, name)) for name in value.get_fields_and_field_types()}
    if isinstance(value, (array.array, np.ndarray)):
        data = np.asarray(value)
        return [len(data), zlib.crc32(data.tobytes())] if data.dtype == np.uint8 else data.tolist()
    return [message_values(item) for item in value] if isinstance(value, list) else value


def header_of_printers(definitions: Iterable[Definition]) -> str:
    """Declarations: `void print_sensor_msgs_msg_Image(const sensor_msgs_msg_dds__Image_ *message);`."""
    return "\n".join(['#include "interfaces.h"', *(f"{_signature(definition)};" for definition in definitions), ""])


def source_of_printers(definitions: Iterable[Definition]) -> str:
    """The functions; they print values by the functions of `json_values.h`."""
    lines = ['#include "json_printers.h"', '#include "json_values.h"', ""]
    for definition in definitions:
        lines += [_signature(definition), "{"]
        for index, (label, description) in enumerate(definition.fields):
            lines.append(f'  print_key({index}, "{label}");')
            lines += _print_field(f"message->{label}", description)
        lines += ["  print_end();", "}", ""]
    return "\n".join(lines)


def _signature(definition: Definition) -> str:
    package, kind, name = definition.full_name.split("/")
    return f"void print_{package}_{kind}_{name}(const {package}_{kind}_dds__{name}_ *message)"


def _print_field(value: str, description: Any) -> list[str]:
    node, argument = description
    if node not in (Nodetype.ARRAY, Nodetype.SEQUENCE):
        return [f"  {_print_one(value, description)}"]
    element, length = argument
    items, count = (value, length) if node == Nodetype.ARRAY else (f"{value}._buffer", f"{value}._length")
    if element[0] == Nodetype.BASE and element[1][0] in BYTE_TYPES:
        return [f"  print_bytes({items}, {count});"]
    one = _print_one(f"{items}[i]", element)
    return [
        f"  for (uint32_t i = 0; i < {count}; i++)",
        f"    print_separator(i), {one}",
        f"  print_list_end({count});",
    ]


def _print_one(value: str, description: Any) -> str:
    node, argument = description
    if node == Nodetype.NAME:
        return f"print_{argument.replace('/', '_')}(&{value});"
    base = argument[0]
    return f"print_{'string' if base == 'string' else 'real' if base.startswith('float') else 'integer'}({value});"
