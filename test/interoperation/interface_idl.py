"""OMG IDL of ROS definitions, with the names that ROS 2 gives their types on the wire."""

from collections.abc import Iterable
from typing import Any

from interface_definitions import Definition
from rosbags.interfaces import Nodetype

IDL_TYPES = {
    "bool": "boolean", "byte": "octet", "char": "octet", "int8": "int8", "uint8": "octet", "int16": "short",
    "uint16": "unsigned short", "int32": "long", "uint32": "unsigned long", "int64": "long long",
    "uint64": "unsigned long long", "float32": "float", "float64": "double",
}  # fmt: skip
SERVICE_HEADER = "module service { struct Header_ { unsigned long long client_guid; long long sequence_number; }; };"
"""What ROS's middleware for Cyclone DDS puts before the fields of requests and answers."""


def idl_of(definitions: Iterable[Definition]) -> str:
    """IDL of definitions that are ordered so that each comes after its parts.

    Names of fields and constants are escaped by an underscore, which is no part of them: they may be keywords of IDL.
    """
    return "\n".join([SERVICE_HEADER, *map(_module, definitions), ""])


def _module(definition: Definition) -> str:
    package, kind, name = definition.full_name.split("/")
    lines = [f"module {package} {{ module {kind} {{"]
    numbers = [constant for constant in definition.constants if type(constant[2]) is int]
    if numbers:
        lines.append(f"module {name}_Constants {{")
        lines += [f"  const {IDL_TYPES[base]} _{label} = {value};" for label, base, value in numbers]
        lines.append("};")
    lines.append(f"module dds_ {{ struct {name}_ {{")
    if definition.is_service_half:
        lines.append("  service::Header_ _header;")
    lines += [f"  {_declaration(label, description)};" for label, description in definition.fields]
    return "\n".join([*lines, "}; }; }; };"])


def _declaration(label: str, description: Any) -> str:
    node, argument = description
    if node == Nodetype.ARRAY:
        return f"{_type(argument[0])} _{label}[{argument[1]}]"
    return f"{_type(description)} _{label}"


def _type(description: Any) -> str:
    node, argument = description
    if node == Nodetype.NAME:
        package, kind, name = argument.split("/")
        return f"{package}::{kind}::dds_::{name}_"
    if node == Nodetype.SEQUENCE:
        element, bound = argument
        return f"sequence<{_type(element)}, {bound}>" if bound else f"sequence<{_type(element)}>"
    base, bound = argument
    if base == "string":
        return f"string<{bound}>" if bound else "string"
    return IDL_TYPES[base]
