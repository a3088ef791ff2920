"""Messages as YAML text, laid out as `ros2 topic echo` does."""

import re
from array import array
from dataclasses import dataclass
from typing import Any

import numpy as np
import yaml

from embedded_ros.commands.parsing import CommandError, what_exists
from embedded_ros.message_classes import Message

_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_NO_LINE_BREAKS = 2**31 - 1


@dataclass(frozen=True)
class TextLayout:
    """How much of a message is shown.

    Attributes:
        truncate_length: texts and arrays are cut after so many elements; None shows all.
        no_arr: type and length stand for arrays.
    """

    truncate_length: int | None = 128
    no_arr: bool = False


def message_to_yaml(message: Message, layout: TextLayout) -> str:
    """A message's fields as YAML, with a line break at the end."""
    plain = _plain_message(message, layout)
    return yaml.dump(plain, Dumper=_DUMPER, sort_keys=False, allow_unicode=True, width=_NO_LINE_BREAKS)


def select_field(message: Message, path: str) -> Any:
    """The value of a field such as `pose.position.x` or `grasps[0].score`.

    Raises:
        CommandError: a part of the path is no field, or no element.
    """
    value: Any = message
    for part in path.replace("[", ".[").strip(".").split("."):
        if part.startswith("["):
            value = _element(value, part, path)
            continue
        fields = value.FIELDS if isinstance(value, Message) else {}
        if part not in fields:
            raise CommandError(f"'{path}': there is no field '{part}'; {what_exists('fields', fields)}")
        value = getattr(value, part)
    return value


def _element(value: Any, part: str, path: str) -> Any:
    try:
        return value[int(part.strip("[]"))]
    except (ValueError, TypeError):
        raise CommandError(f"'{path}': '{part}' is not an element of an array") from None
    except IndexError:
        raise CommandError(f"'{path}': there is no element {part}, the array has {len(value)}") from None


def _plain_message(message: Message, layout: TextLayout) -> dict[str, Any]:
    return {
        name: _plain(getattr(message, name), type_text, layout)
        for name, type_text in message.get_fields_and_field_types().items()
    }


def _plain(value: Any, type_text: str, layout: TextLayout) -> Any:
    if isinstance(value, bytes):
        return _cut(value.decode("latin-1"), layout)
    if isinstance(value, str):
        return _cut(value, layout)
    if isinstance(value, (array, np.ndarray, list)):
        return _plain_sequence(value, type_text, layout)
    if isinstance(value, Message):
        return _plain_message(value, layout)
    return value.item() if isinstance(value, np.generic) else value


def _plain_sequence(value: Any, type_text: str, layout: TextLayout) -> Any:
    if layout.no_arr:
        return _array_summary(type_text, len(value))
    is_cut = layout.truncate_length is not None and len(value) > layout.truncate_length
    shown = value[: layout.truncate_length] if is_cut else value
    items = shown if isinstance(shown, list) else shown.tolist()
    return [_plain(item, type_text, layout) for item in items] + ["..."] * is_cut


def _array_summary(type_text: str, length: int) -> str:
    """What stands for an array of type `double[9]`, `sequence<uint8>` or `sequence<geometry_msgs/Point, 5>`."""
    # Texts may have a bound of their own.
    plain = re.sub(r"<\d+>", "", type_text).replace("/", "/msg/")
    if not plain.startswith("sequence<"):
        return f"<array type: {plain}>"
    element, _, bound = plain.removeprefix("sequence<").rstrip(">").partition(", ")
    return f"<sequence type: {element}{bound and f'[{bound}]'}, length: {length}>"


def _cut(text: str, layout: TextLayout) -> str:
    limit = layout.truncate_length
    return text if limit is None or len(text) <= limit else f"{text[:limit]}..."
