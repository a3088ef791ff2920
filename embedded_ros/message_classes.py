"""Message and service classes as rosidl generates them for Python, made from the interface table on demand.

Values are checked on assignment: a wrong type raises AssertionError. With ROS_PYTHON_CHECK_FIELDS=0 they are stored
as they are given, which is rclpy's own default, and a wrong type shows when the message is sent. Number sequences are
`array.array`, fixed number arrays are NumPy arrays; bytes-like data is accepted for them and copied as a block.
"""

import functools
import math
import os
from array import array
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
from rosbags.interfaces import Nodetype

from embedded_ros import cdr
from embedded_ros.errors import NotInSubsetError
from embedded_ros.interface_table import PLACEHOLDER_FIELD, STRUCT_CODES, find_interface, list_interfaces

_LARGEST_FLOAT32 = (2 - 2**-23) * 2.0**127
_INTEGER_LIMITS = {"char": (0, 255)} | {
    f"{sign}int{bits}": (-(1 << bits - 1) if not sign else 0, (1 << bits - (not sign)) - 1)
    for sign in ("", "u")
    for bits in (8, 16, 32, 64)
}
_NUMBER_LIMITS = {**_INTEGER_LIMITS, "float32": (-_LARGEST_FLOAT32, _LARGEST_FLOAT32)}
_PYTHON_TYPES = {"bool": bool, "byte": bytes, "string": str, "float32": float, "float64": float}
"""Of all base types but integers."""
_CHECKS_FIELDS = os.environ.get("ROS_PYTHON_CHECK_FIELDS") != "0"


class _MessageType(type):
    """Class of message classes: constants are read-only attributes of the class."""

    def __setattr__(cls, name: str, value: Any) -> None:
        if name in vars(cls).get("CONSTANTS", ()):
            raise AttributeError(f"{cls.__name__}.{name} is a constant")
        super().__setattr__(name, value)


class Message(metaclass=_MessageType):
    """Base of all messages: keyword constructor, field-wise equality and text."""

    __slots__ = ()
    FULL_NAME = ""
    FIELDS: ClassVar[dict[str, "_Field"]] = {}
    CONSTANTS: ClassVar[dict[str, Any]] = {}

    @classmethod
    def get_fields_and_field_types(cls) -> dict[str, str]:
        """Field names and their types in .msg notation."""
        return {name: field.type_text for name, field in cls.FIELDS.items()}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, self.__class__):
            return False
        return all(_equal(getattr(self, slot), getattr(other, slot)) for slot in self.__slots__)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={getattr(self, field.slot)!r}" for name, field in self.FIELDS.items())
        return f"{self.FULL_NAME.replace('/', '.')}({values})"


class _Field:
    """How one field is stored, defaulted and checked."""

    def __init__(self, name: str, description: Any, default: Any):
        self.name, self.slot = name, f"_{name}"
        self.type_text = _type_text(description)
        self.convert = functools.partial(_converter(description), name)
        # A value of exactly this type within these limits is stored as it is.
        self.kind, self.limits = _exact_kind(description)
        node, argument = description
        self.has_constant_default = node == Nodetype.BASE
        if node == Nodetype.NAME:
            self.make_default: Callable[[], Any] = message_class(argument)
        elif default is not None:
            self.make_default = lambda: self.convert(default)
        else:
            self.make_default = _default_factory(description)


def _equal(first: Any, second: Any) -> bool:
    if isinstance(first, np.ndarray):
        return np.array_equal(first, second)
    return first == second


@functools.cache
def message_class(full_name: str) -> Any:
    """The class of a message type such as `std_msgs/msg/String`."""
    interface = find_interface(full_name)
    package, kind, name = full_name.split("/")
    fields = {
        field: _Field(field, description, interface.defaults.get(field))
        for field, description in interface.fields
        if field != PLACEHOLDER_FIELD
    }
    constants = {
        constant: bytes((value,)) if base == "byte" and isinstance(value, int) else value
        for constant, base, value in interface.constants
    }
    members: dict[str, Any] = {
        "__slots__": tuple(field.slot for field in fields.values()),
        "__module__": f"{package}.{kind}",
        "__doc__": f"Message {full_name}.",
        "__init__": _make_constructor(fields),
        "FULL_NAME": full_name,
        "FIELDS": fields,
        "CONSTANTS": {},
        **constants,
    }
    members.update({field.name: _make_property(field) for field in fields.values()})
    # The defaults of fields are readable from the class, as rosidl has them.
    members.update({f"{field.upper()}__DEFAULT": fields[field].make_default() for field in interface.defaults})
    cls = _MessageType(name, (Message,), members)
    type.__setattr__(cls, "CONSTANTS", constants)
    return cls


@functools.cache
def service_class(full_name: str) -> Any:
    """The class of a service type, with its `Request` and `Response`."""
    package, kind, name = full_name.split("/")
    members = {
        "__module__": f"{package}.{kind}",
        "__doc__": f"Service {full_name}.",
        "FULL_NAME": full_name,
        "Request": message_class(f"{full_name}_Request"),
        "Response": message_class(f"{full_name}_Response"),
    }
    return type(name, (), members)


def interface_module(module_name: str) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """`__getattr__` and `__dir__` of a module `<package>.msg` or `<package>.srv`."""
    package, kind = module_name.split(".")

    def module_getattr(name: str) -> Any:
        if name == "__all__":
            return list_interfaces(package, kind)
        if name.startswith("_"):
            raise AttributeError(f"module {module_name!r} has no attribute {name!r}")
        full_name = f"{package}/{kind}/{name}"
        if kind == "msg":
            return message_class(full_name)
        if name.endswith(("_Request", "_Response")):
            return message_class(full_name)
        return service_class(full_name)

    return module_getattr, lambda: list_interfaces(package, kind)


@functools.cache
def _encoder(cls: type[Message]) -> Callable[[Any, bytearray], None]:
    return cdr.compile_encoder(cls.FULL_NAME)


@functools.cache
def _decoder(cls: type[Message], order: str) -> Callable[[memoryview], Any]:
    return cdr.compile_decoder(cls.FULL_NAME, message_class, order)


def encode_body(message: Message, out: bytearray) -> None:
    """Append a message's CDR, without the 4-byte header, to `out` (whose length is the CDR position)."""
    try:
        _encoder(type(message))(message, out)
    except (AttributeError, TypeError, ValueError, OverflowError) as error:
        raise TypeError(f"a field of {type(message).FULL_NAME} holds a value of a wrong type: {error}") from error


def decode_body(cls: type[Message], header: bytes, body: memoryview) -> Any:
    """Read a message from its CDR; `header` are the 4 bytes that tell the byte order."""
    order = {b"\x00\x01": "<", b"\x00\x00": ">"}.get(bytes(header[:2]))
    if order is None:
        raise cdr.MalformedDataError(f"{cls.FULL_NAME}: unknown data representation {bytes(header[:2])!r}")
    try:
        return _decoder(cls, order)(body)
    except (ValueError, IndexError, OverflowError) as error:
        raise cdr.MalformedDataError(f"{cls.FULL_NAME}: {error}") from error
    except cdr.struct.error as error:
        raise cdr.MalformedDataError(f"{cls.FULL_NAME}: {error}") from error


def serialize_message(message: Message) -> bytes:
    """A message's CDR with its header."""
    body = bytearray()
    encode_body(message, body)
    return cdr.LITTLE_ENDIAN_HEADER + bytes(body)


def deserialize_message(serialized_message: bytes, message_type: type[Message]) -> Any:
    """The message of a CDR with header."""
    view = memoryview(serialized_message)
    return decode_body(message_type, bytes(view[:4]), view[4:])


def require_message_class(candidate: Any) -> type[Message]:
    """Refuse anything that is not a generated message class."""
    if not (isinstance(candidate, type) and issubclass(candidate, Message) and candidate.FULL_NAME):
        raise NotInSubsetError(f"{candidate!r} as a message type", "use a class of <package>.msg")
    return candidate


def _make_constructor(fields: dict[str, _Field]) -> Callable[..., None]:
    """A constructor without loops over fields, and with the usual checks in place: messages are made by the thousand.

    Names of fields begin with a letter, all others here with an underscore.
    """
    namespace: dict[str, Any] = {"_type": type, "_absent": object()}
    parameters, lines = ["_self", "*"] if fields else ["_self"], []
    for index, (name, field) in enumerate(fields.items()):
        namespace |= {
            f"_convert{index}": field.convert,
            f"_kind{index}": field.kind,
            f"_make{index}": field.make_default,
        }
        value = f"_convert{index}({name})"
        if field.kind is not None:
            limits = field.limits and f" and {field.limits[0]!r} <= {name} <= {field.limits[1]!r}"
            value = f"{name} if _type({name}) is _kind{index}{limits or ''} else {value}"
        if field.has_constant_default:
            namespace[f"_default{index}"] = field.make_default()
            parameters.append(f"{name}=_default{index}")
        else:
            parameters.append(f"{name}=_absent")
            value = f"_make{index}() if {name} is _absent else {value}"
        lines.append(f"    _self.{field.slot} = {value}")
    text = "Invalid arguments passed to constructor: {', '.join(sorted(_unknown))}"
    lines.insert(0, f'    assert not _unknown, f"{text}"')
    exec("\n".join([f"def __init__({', '.join([*parameters, '**_unknown'])}):", *lines]), namespace)
    return namespace["__init__"]


def _make_property(field: _Field) -> property:
    slot, convert = field.slot, field.convert

    def setter(self: Message, value: Any) -> None:
        setattr(self, slot, convert(value))

    return property(lambda self: getattr(self, slot), setter, doc=f"Message field '{field.name}'.")


def _type_text(description: Any) -> str:
    node, argument = description
    if node == Nodetype.NAME:
        return argument.replace("/msg/", "/").replace("/srv/", "/")
    if node == Nodetype.BASE:
        base = {"byte": "octet", "bool": "boolean", "float64": "double", "float32": "float"}
        text = base.get(str(argument[0])) or str(argument[0])
        return f"{text}<{argument[1]}>" if argument[1] else text
    element, length = argument
    if node == Nodetype.ARRAY:
        return f"{_type_text(element)}[{length}]"
    return f"sequence<{_type_text(element)}, {length}>" if length else f"sequence<{_type_text(element)}>"


def _default_factory(description: Any) -> Callable[[], Any]:
    node, argument = description
    if node == Nodetype.BASE:
        value = {"bool": False, "byte": b"\x00", "string": "", "float32": 0.0, "float64": 0.0}.get(argument[0], 0)
        return lambda: value
    element, length = argument
    numbers = _number_code(element)
    if node == Nodetype.SEQUENCE:
        return functools.partial(array, numbers) if numbers else list
    if numbers:
        return functools.partial(np.zeros, length, dtype=np.dtype(numbers))
    make = message_class(element[1]) if element[0] == Nodetype.NAME else _default_factory(element)
    return lambda: [make() for _ in range(length)]


def _number_code(element: Any) -> str | None:
    """Array type code of an element that is stored in blocks of numbers, else None."""
    node, argument = element
    if node != Nodetype.BASE or argument[0] in ("bool", "byte", "string"):
        return None
    return STRUCT_CODES[argument[0]]


def _converter(description: Any) -> Callable[[str, Any], Any]:
    """A function (field name, value) that returns the value to store or raises AssertionError."""
    node, argument = description
    if not _CHECKS_FIELDS and (node in (Nodetype.NAME, Nodetype.BASE) or _number_code(argument[0]) is None):
        return lambda name, value: value
    if node == Nodetype.NAME:
        return functools.partial(_convert_message, message_class(argument))
    if node == Nodetype.BASE:
        return _base_converter(*argument)
    element, length = argument
    limits = (length, length) if node == Nodetype.ARRAY else (0, length or math.inf)
    code = _number_code(element)
    if code:
        store = _to_ndarray if node == Nodetype.ARRAY else _to_array
        return functools.partial(_convert_numbers, store, code, _base_converter(*element[1]), limits)
    return functools.partial(_convert_list, _converter(element), _exact_kind(element)[0], limits)


def _exact_kind(description: Any) -> tuple[type | None, tuple[float, float] | None]:
    """The type whose instances are right if within these limits (None: always); None if that cannot be said."""
    node, argument = description
    if node == Nodetype.NAME:
        return message_class(argument), None
    if node != Nodetype.BASE or argument[1] or argument[0] == "byte":
        return None, None
    return _PYTHON_TYPES.get(argument[0], int), _NUMBER_LIMITS.get(argument[0])


def _convert_message(cls: type[Message], name: str, value: Any) -> Any:
    assert isinstance(value, cls), f"The '{name}' field must be a sub message of type '{cls.__name__}'"
    return value


def _base_converter(base: str, bound: int) -> Callable[[str, Any], Any]:
    if base in _INTEGER_LIMITS:
        return functools.partial(_convert_integer, *_INTEGER_LIMITS[base])
    if base in ("float32", "float64"):
        return functools.partial(_convert_float, base == "float32")
    return functools.partial(_convert_plain, _PYTHON_TYPES[base], 1 if base == "byte" else bound)


def _convert_integer(low: int, high: int, name: str, value: Any) -> int:
    assert isinstance(value, int), f"The '{name}' field must be of type 'int'"
    assert low <= value <= high, f"The '{name}' field must be an integer in [{low}, {high}]"
    return value


def _convert_float(single: bool, name: str, value: Any) -> float:
    assert isinstance(value, float), f"The '{name}' field must be of type 'float'"
    assert not single or not math.isfinite(value) or abs(value) <= _LARGEST_FLOAT32, (
        f"The '{name}' field must be a float in [{-_LARGEST_FLOAT32}, {_LARGEST_FLOAT32}]"
    )
    return value


def _convert_plain(expected: type, bound: int, name: str, value: Any) -> Any:
    assert isinstance(value, expected), f"The '{name}' field must be of type '{expected.__name__}'"
    assert not bound or len(value) <= bound, f"The '{name}' field must be at most {bound} long"
    return value


def _convert_list(
    convert: Callable[[str, Any], Any], kind: type | None, limits: tuple[float, float], name: str, value: Any
) -> list:
    assert isinstance(value, (list, tuple, set, np.ndarray)), f"The '{name}' field must be a list"
    items = value if isinstance(value, list) else list(value)
    assert limits[0] <= len(items) <= limits[1], f"The '{name}' field must have {limits} elements, not {len(items)}"
    if kind is None or not {kind}.issuperset(map(type, items)):
        for item in items:
            convert(name, item)
    return items


def _convert_numbers(
    store: Callable[[str, Any], Any], code: str, convert: Callable[[str, Any], Any], limits: tuple[float, float],
    name: str, value: Any,
) -> Any:  # fmt: skip
    if isinstance(value, (array, bytes, bytearray, memoryview, np.ndarray)):
        assert not (isinstance(value, array) and value.typecode != code), (
            f"The '{name}' field must be an array of type code '{code}', not '{value.typecode}'"
        )
        assert not (isinstance(value, np.ndarray) and not np.can_cast(value.dtype, code, "same_kind")), (
            f"The '{name}' field needs elements of '{np.dtype(code)}', not '{value.dtype}'"
        )
    else:
        assert isinstance(value, (list, tuple)), f"The '{name}' field must be a sequence of numbers"
        for item in value:
            convert(name, item)
    stored = store(code, value)
    assert limits[0] <= len(stored) <= limits[1], f"The '{name}' field must have {limits} elements, not {len(stored)}"
    return stored


def _to_array(code: str, value: Any) -> array:
    if isinstance(value, array):
        return value
    if isinstance(value, np.ndarray):
        value = np.ascontiguousarray(value, dtype=code).tobytes()
    elif not isinstance(value, (bytes, bytearray, memoryview)):
        return array(code, value)
    numbers = array(code)
    numbers.frombytes(value)
    return numbers


def _to_ndarray(code: str, value: Any) -> np.ndarray:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return np.frombuffer(value, dtype=code).copy()
    return np.array(value, dtype=code).reshape(-1)
