"""How configurations are checked when they are made, and read from what JSON gives."""

import dataclasses
import types
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from funcgrasp_core.errors import ConfigurationError

TAG = "kind"
"""Field that tells which dataclass of a union the values are for; without it they are for the first."""


def require(condition: bool, message: str) -> None:
    """Raise a ConfigurationError with the message unless the condition holds."""
    if not condition:
        raise ConfigurationError(message)


class Choices:
    """Base of configurations: a field with a `Literal` type takes no other value."""

    def __post_init__(self) -> None:
        for name, kind in get_type_hints(type(self)).items():
            choices, value = get_args(kind), getattr(self, name)
            if get_origin(kind) is Literal and value not in choices:
                raise ConfigurationError(f"{type(self).__name__}.{name} must be one of {choices}, got {value!r}")

    def _require_at_least(self, least: float, *names: str) -> None:
        for name in names:
            value = getattr(self, name)
            require(value >= least, f"{type(self).__name__}.{name} must be at least {least}, got {value}")

    def _require_positive(self, *names: str) -> None:
        for name in names:
            value = getattr(self, name)
            require(value > 0, f"{type(self).__name__}.{name} must be positive, got {value}")

    def _require_share(self, *names: str) -> None:
        for name in names:
            value = getattr(self, name)
            require(0 <= value < 1, f"{type(self).__name__}.{name} must be at least 0 and below 1, got {value}")

    def _require_widths(self, *names: str) -> None:
        for name in names:
            widths = getattr(self, name)
            valid = len(widths) > 0 and all(width > 0 for width in widths)
            require(valid, f"{type(self).__name__}.{name} needs layers of positive width, got {widths}")


def from_dict(kind: type, values: Any) -> Any:
    """A configuration from named values, dataclasses within dataclasses; fields that are left out keep their defaults.

    Args:
        kind: a dataclass.
        values: what `json.loads` gives for `dataclasses.asdict`.

    Raises:
        ConfigurationError: no named values, unknown names, values of another type or that contradict each other.
    """
    require(isinstance(values, dict), f"{kind.__name__} must be an object with named values, got {values!r}")
    hints = get_type_hints(kind)
    known = {item.name for item in dataclasses.fields(kind)}
    unknown = sorted(set(values) - known)
    require(not unknown, f"{kind.__name__} has no {', '.join(unknown)}; it has {', '.join(sorted(known))}")
    arguments = {name: _read(hints[name], value, f"{kind.__name__}.{name}") for name, value in values.items()}
    try:
        return kind(**arguments)
    except TypeError as error:
        raise ConfigurationError(f"{kind.__name__}: {error}") from error


def _read(hint: Any, value: Any, name: str) -> Any:
    origin, members = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        if value is None and type(None) in members:
            return None
        return _read_member([member for member in members if member is not type(None)], value, name)
    if dataclasses.is_dataclass(hint):
        assert isinstance(hint, type)  # for the type checker: a class, not an instance
        return from_dict(hint, value)
    if origin is tuple:
        require(isinstance(value, list | tuple), f"{name} must be a list, got {value!r}")
        return tuple(_read(members[0], item, name) for item in value)
    if origin is Literal:
        return value  # checked by `Choices`
    allowed = (float, int) if hint is float else (hint,)
    fits = isinstance(value, allowed) and (hint is bool or not isinstance(value, bool))
    require(fits, f"{name} must be of type {hint.__name__}, got {value!r}")
    return value


def _read_member(members: list[Any], value: Any, name: str) -> Any:
    """Read a value of a union: by its tag if the members are dataclasses."""
    if len(members) == 1 or not isinstance(value, dict):
        return _read(members[0], value, name)
    by_tag = {getattr(member, TAG): member for member in members}
    tag = value.get(TAG, next(iter(by_tag)))
    require(tag in by_tag, f"{name}.{TAG} must be one of {', '.join(by_tag)}, got {tag!r}")
    return from_dict(by_tag[tag], value)
