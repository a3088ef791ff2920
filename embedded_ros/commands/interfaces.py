"""`interface show`: the definition of a message or service type."""

import argparse
import re
from collections.abc import Iterator
from typing import Any

from rosbags.interfaces import Nodetype

from embedded_ros.commands.parsing import CommandError, Verb
from embedded_ros.commands.type_names import load_message_class, load_service_class
from embedded_ros.interface_table import PLACEHOLDER_FIELD, find_interface, without_comment
from embedded_ros.packages import PackageNotFoundError, find_package

_SEPARATOR = "---"
_FIELD = re.compile(r"(?P<type>[A-Za-z]\w*(?:/\w+)*)(?:<=\d+)?(?:\[(?:<=)?\d*\])?\s+[A-Za-z]\w*\s*(?!\s*=)")


def _add_show_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("type", help="such as funcgrasp_ros/srv/PlanGrasp or sensor_msgs/msg/Image")
    comments = parser.add_mutually_exclusive_group()
    comments.add_argument("--all-comments", action="store_true", help="show comments of nested types too")
    comments.add_argument("--no-comments", action="store_true", help="show neither comments nor empty lines")


def _show(options: argparse.Namespace) -> int:
    if "/srv/" in options.type:
        full_name = load_service_class(options.type).FULL_NAME
    elif "/action/" in options.type:
        raise CommandError("actions are not in the embedded subset of ROS 2; show a message or a service")
    else:
        full_name = load_message_class(options.type).FULL_NAME
    for line in _definition(full_name, not options.no_comments, options.all_comments):
        print(line)
    return 0


def _definition(full_name: str, with_comments: bool, with_nested_comments: bool, depth: int = 0) -> Iterator[str]:
    """The lines of a definition, those of nested types indented below the field that has them."""
    package = full_name.split("/")[0]
    for line in _source_lines(full_name):
        code = without_comment(line)
        shown = line if with_comments else code
        if shown or with_comments:
            yield "\t" * depth + shown if shown else ""
        nested = _nested_type(code, package)
        if nested:
            yield from _definition(nested, with_nested_comments, with_nested_comments, depth + 1)


def _source_lines(full_name: str) -> list[str]:
    """The definition as its package has it; of standard types what the type table knows, without comments."""
    package, kind, name = full_name.split("/")
    try:
        text = (find_package(package) / kind / f"{name}.{kind}").read_text(encoding="utf-8")
    except (PackageNotFoundError, FileNotFoundError):
        if kind == "msg":
            return _table_lines(full_name)
        return [*_table_lines(f"{full_name}_Request"), _SEPARATOR, *_table_lines(f"{full_name}_Response")]
    return [line.rstrip() for line in text.splitlines()]


def _table_lines(full_name: str) -> list[str]:
    interface = find_interface(full_name)
    lines = [f"{base} {name}={_literal(value)}" for name, base, value in interface.constants]
    for name, description in interface.fields:
        if name != PLACEHOLDER_FIELD:
            default = interface.defaults.get(name)
            lines.append(f"{_type_text(description)} {name}" + ("" if default is None else f" {_literal(default)}"))
    return lines


def _type_text(description: Any) -> str:
    """A type as .msg files write it."""
    node, argument = description
    if node == Nodetype.NAME:
        return argument.replace("/msg/", "/")
    if node == Nodetype.BASE:
        return f"{argument[0]}<={argument[1]}" if argument[1] else argument[0]
    element, length = argument
    if node == Nodetype.ARRAY:
        return f"{_type_text(element)}[{length}]"
    return f"{_type_text(element)}[<={length}]" if length else f"{_type_text(element)}[]"


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)


def _nested_type(code: str, package: str) -> str | None:
    """The full name of a field's message type; None for fields of base types, constants and other lines."""
    found = _FIELD.match(code.strip())
    if found is None or ("/" not in found["type"] and found["type"][0].islower()):
        return None
    *owner, name = found["type"].split("/")
    return f"{owner[0] if owner else package}/msg/{name}"


VERBS = {
    "show": Verb(
        "Print the definition of a type, nested types indented. Standard types are shown without comments.",
        _add_show_arguments,
        _show,
    )
}
