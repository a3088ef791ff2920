"""Fields, constants and hashes of every message and service type, found by name when first asked for.

Standard messages come from rosbags' table for ROS 2 Jazzy, standard services from `standard_services`, and a
package's own interfaces from its `msg/*.msg` and `srv/*.srv`. Field descriptions have rosbags' form: BASE
(name, string bound), NAME full type name, ARRAY (element, length) or SEQUENCE (element, bound or 0).
"""

import contextlib
import re
from dataclasses import dataclass, field
from typing import Any

import yaml
from rosbags.interfaces import Nodetype
from rosbags.typesys import Stores, get_typestore

from embedded_ros.errors import NotInSubsetError
from embedded_ros.packages import PackageNotFoundError, find_package
from embedded_ros.standard_services import STANDARD_SERVICES

PLACEHOLDER_FIELD = "structure_needs_at_least_one_member"
"""IDL forbids empty structures: an empty message carries one byte of this name."""

STRUCT_CODES = {
    "bool": "?", "byte": "c", "char": "B", "int8": "b", "uint8": "B", "int16": "h", "uint16": "H", "int32": "i",
    "uint32": "I", "int64": "q", "uint64": "Q", "float32": "f", "float64": "d",
}  # fmt: skip
BASE_TYPES = {*STRUCT_CODES, "string"}
_DEFAULTS_OF_STANDARD_MESSAGES = {"geometry_msgs/msg/Quaternion": {"w": 1.0}}
_FIELD_LINE = re.compile(
    r"(?P<type>[A-Za-z]\w*(?:/\w+)*(?:<=\d+)?)(?P<array>\[(?:<=)?\d*\])?\s+(?P<name>[A-Za-z]\w*)\s*(?P<rest>.*)$"
)

_CODE = re.compile(r"""(?:[^#"']|"[^"]*"?|'[^']*'?)*""")
"""A line up to its comment; a # in quotes begins none."""


@dataclass(frozen=True)
class Interface:
    """One message type, or one half of a service type.

    Attributes:
        full_name: as `sensor_msgs/msg/Image` or `std_srvs/srv/Trigger_Request`.
        constants: (name, base type, value).
        fields: (name, description).
        defaults: values of the fields that a definition gives one.
    """

    full_name: str
    constants: list[tuple[str, str, Any]]
    fields: list[tuple[str, Any]]
    defaults: dict[str, Any] = field(default_factory=dict)


_store = get_typestore(Stores.ROS2_JAZZY)
_store_fields: dict[str, Any] = _store.fielddefs
_interfaces: dict[str, Interface] = {}


def find_interface(full_name: str) -> Interface:
    """The definition of a message type or of a service's `_Request`, `_Response` or `_Event`."""
    if full_name not in _interfaces:
        package, kind, name = full_name.split("/")
        if kind == "srv":
            _load_service(f"{package}/srv/{re.sub('_(Request|Response|Event)$', '', name)}")
        else:
            _load_message(full_name)
    return _interfaces[full_name]


def list_interfaces(package: str, kind: str) -> list[str]:
    """Names of a package's messages (`kind` "msg") or services ("srv")."""
    prefix = f"{package}/{kind}/"
    known = {*_store.fielddefs, *STANDARD_SERVICES} if kind == "msg" else set(STANDARD_SERVICES)
    names = {entry.removeprefix(prefix) for entry in known if entry.startswith(prefix)}
    with contextlib.suppress(PackageNotFoundError):
        names |= {path.stem for path in (find_package(package) / kind).glob(f"*.{kind}")}
    return sorted(names)


def type_hash(full_name: str) -> str:
    """The RIHS01 hash by which ROS nodes compare definitions, of a message or a whole service."""
    package, kind, name = full_name.split("/")
    if kind == "srv":
        _load_service(full_name)
        _register_service_description(full_name)
    else:
        find_interface(full_name)
    return _store.hash_rihs01(f"{package}/{kind}/{name}")


def dds_type_name(full_name: str) -> str:
    """The name under which DDS knows a type: `sensor_msgs::msg::dds_::Image_`."""
    package, kind, name = full_name.split("/")
    return f"{package}::{kind}::dds_::{name}_"


def ros_type_name(dds_name: str) -> str:
    """The inverse of `dds_type_name`; a name of another form is returned as it is."""
    found = re.fullmatch(r"(\w+)::(\w+)::dds_::(\w+)_", dds_name)
    return "/".join(found.groups()) if found else dds_name


def _load_message(full_name: str) -> None:
    package, _, name = full_name.split("/")
    if full_name in _store.fielddefs:
        constants, fields = _store.fielddefs[full_name]
        fields = [(name, _char_as_uint8(description)) for name, description in fields]
        _register(Interface(full_name, list(constants), fields, _DEFAULTS_OF_STANDARD_MESSAGES.get(full_name, {})))
    else:
        _register(parse_definition(full_name, _read_definition(package, "msg", name)))
    _load_nested(_interfaces[full_name])


def _char_as_uint8(description: Any) -> Any:
    """ROS turns `char` into `uint8` before it hashes a definition."""
    node, argument = description
    if node in (Nodetype.ARRAY, Nodetype.SEQUENCE):
        return (node, (_char_as_uint8(argument[0]), argument[1]))
    return (node, ("uint8", 0)) if node == Nodetype.BASE and argument[0] == "char" else description


def _load_service(full_name: str) -> None:
    if f"{full_name}_Request" in _interfaces:
        return
    package, _, name = full_name.split("/")
    text = STANDARD_SERVICES.get(full_name) or _read_definition(package, "srv", name)
    halves = re.split(r"^---[ \t]*$", text, maxsplit=1, flags=re.MULTILINE)
    if len(halves) != 2:
        raise ValueError(f"{full_name}: a service definition needs one line '---' between request and response")
    for suffix, half in zip(("Request", "Response"), halves, strict=True):
        interface = parse_definition(f"{full_name}_{suffix}", half)
        _register(interface)
        _load_nested(interface)


def _load_nested(interface: Interface) -> None:
    for _, (node, argument) in interface.fields:
        if node in (Nodetype.ARRAY, Nodetype.SEQUENCE):
            node, argument = argument[0]
        if node == Nodetype.NAME:
            find_interface(argument)


def _register(interface: Interface) -> None:
    _interfaces[interface.full_name] = interface
    _store_fields[interface.full_name] = (interface.constants, interface.fields)


def _register_service_description(full_name: str) -> None:
    """Describe the service as ROS does for its hash: request, response and introspection event."""
    info = find_interface("service_msgs/msg/ServiceEventInfo").full_name
    parts = {part: (Nodetype.NAME, f"{full_name}_{part}") for part in ("Request", "Response")}
    event = [("info", (Nodetype.NAME, info))]
    event += [(part.lower(), (Nodetype.SEQUENCE, (description, 1))) for part, description in parts.items()]
    whole = [(f"{part.lower()}_message", description) for part, description in parts.items()]
    whole.append(("event_message", (Nodetype.NAME, f"{full_name}_Event")))
    _store_fields[f"{full_name}_Event"] = ([], event)
    _store_fields[full_name] = ([], whole)


def _read_definition(package: str, kind: str, name: str) -> str:
    try:
        path = find_package(package) / kind / f"{name}.{kind}"
        return path.read_text(encoding="utf-8")
    except (PackageNotFoundError, FileNotFoundError) as error:
        raise NotInSubsetError(f"interface {package}/{kind}/{name}", "add its definition or its package") from error


def parse_definition(full_name: str, text: str) -> Interface:
    """Parse the text of one message or of one half of a service, defaults and constants included."""
    package = full_name.split("/")[0]
    interface = Interface(full_name, [], [], {})
    for line in text.splitlines():
        line = _CODE.match(line)[0].strip()  # type: ignore[index]
        if not line:
            continue
        found = _FIELD_LINE.match(line)
        if found is None:
            raise ValueError(f"{full_name}: cannot read the line {line!r}")
        base, name, rest = found["type"], found["name"], found["rest"].strip()
        if rest.startswith("="):
            interface.constants.append((name, base, _parse_value(base, rest[1:].strip())))
            continue
        interface.fields.append((name, _describe(package, base, found["array"])))
        if rest:
            interface.defaults[name] = _parse_value(base, rest)
    if not interface.fields:
        interface.fields.append((PLACEHOLDER_FIELD, (Nodetype.BASE, ("uint8", 0))))
    return interface


def _describe(package: str, base: str, array: str | None) -> Any:
    base, _, bound = base.partition("<=")
    if base in BASE_TYPES:
        element: Any = _char_as_uint8((Nodetype.BASE, (base, int(bound or 0))))
    elif base == "wstring":
        raise NotInSubsetError("the type wstring", "use string")
    else:
        parts = base.split("/")
        owner = package if len(parts) == 1 else parts[0]
        element = (Nodetype.NAME, f"{owner}/msg/{parts[-1]}")
    if array is None:
        return element
    size = array.strip("[]")
    if size.isdigit():
        return (Nodetype.ARRAY, (element, int(size)))
    return (Nodetype.SEQUENCE, (element, int(size.removeprefix("<=") or 0)))


def _parse_value(base: str, text: str) -> Any:
    if base.startswith("string") and not text.startswith("["):
        return text[1:-1] if text[:1] in "\"'" and text[:1] == text[-1:] else text
    value = yaml.safe_load(text)
    if base.startswith("float"):
        return [float(item) for item in value] if isinstance(value, list) else float(value)
    if base == "bool" and not isinstance(value, list):
        return bool(value)
    if base == "byte":
        return [bytes((item,)) for item in value] if isinstance(value, list) else bytes((value,))
    return value
