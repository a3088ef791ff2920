"""Definitions of ROS messages and services, from rosbags' table and its parser.

Not from the stand-in for ROS: a mistake of the stand-in must not be made here too.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rosbags.interfaces import Nodetype
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "funcgrasp_ros"


@dataclass(frozen=True)
class Definition:
    """One message, or one half of a service.

    Attributes:
        full_name: such as `sensor_msgs/msg/Image`, `funcgrasp_ros/srv/PlanGrasp_Request`.
        constants: (name, base type, value).
        fields: (name, description): rosbags' pair of a Nodetype and what it consists of.
    """

    full_name: str
    constants: list[tuple[str, str, Any]]
    fields: list[tuple[str, Any]]

    @property
    def is_service_half(self) -> bool:
        """Whether ROS's middleware puts a header before its fields."""
        return self.full_name.split("/")[1] == "srv"


def read_definition(full_name: str, text: str) -> Definition:
    """Reads the text of a message or of one half of a service."""
    # The parser finds messages that are named without a package beside the one it reads, in the folder `msg`.
    parsed = get_types_from_msg(text, full_name.replace("/srv/", "/msg/"))
    ((constants, fields),) = parsed.values()
    return Definition(full_name, list(constants), list(fields))


def all_definitions() -> dict[str, Definition]:
    """The messages of ROS 2 Jazzy and this package's messages and services, by full name."""
    standard = get_typestore(Stores.ROS2_JAZZY).fielddefs
    found = [Definition(name, list(constants), list(fields)) for name, (constants, fields) in standard.items()]
    for path in sorted((ROOT / "msg").glob("*.msg")):
        found.append(read_definition(f"{PACKAGE}/msg/{path.stem}", path.read_text()))
    for path in sorted((ROOT / "srv").glob("*.srv")):
        halves = re.split(r"^---$", path.read_text(), flags=re.MULTILINE)
        for suffix, half in zip(("Request", "Response"), halves, strict=True):
            found.append(read_definition(f"{PACKAGE}/srv/{path.stem}_{suffix}", half))
    return {definition.full_name: definition for definition in found}


def with_parts(full_names: Iterable[str], definitions: dict[str, Definition]) -> list[Definition]:
    """These definitions and those of all that they consist of, each once and after its parts."""
    ordered: dict[str, Definition] = {}
    for name in full_names:
        parts = (element_type(description) for _, description in definitions[name].fields)
        for definition in with_parts([argument for node, argument in parts if node == Nodetype.NAME], definitions):
            ordered.setdefault(definition.full_name, definition)
        ordered.setdefault(name, definitions[name])
    return list(ordered.values())


def element_type(description: Any) -> Any:
    """Of an array or a sequence what it holds; anything else as it is."""
    node, argument = description
    return argument[0] if node in (Nodetype.ARRAY, Nodetype.SEQUENCE) else description
