"""Fields of nested configurations by dotted path."""

import dataclasses
import types
from collections.abc import Iterator
from typing import Any, Union, get_args, get_origin, get_type_hints


def field_paths(kind: type, prefix: str = "", elsewhere: frozenset[str] = frozenset()) -> Iterator[str]:
    """Paths of all fields of a dataclass and of those within it; a choice of dataclasses, or None, has a path too.

    Args:
        kind: the dataclass.
        prefix: of all paths.
        elsewhere: names of dataclasses whose fields are left out.
    """
    for name, hint in get_type_hints(kind).items():
        members = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
        nested = [member for member in members if dataclasses.is_dataclass(member)]
        if len(nested) != 1 or type(None) in members:
            yield prefix + name
        for member in nested:
            assert isinstance(member, type)
            if member.__name__ not in elsewhere:
                yield from field_paths(member, f"{prefix}{name}.", elsewhere)


def with_value(config: Any, path: str, value: Any) -> Any:
    """The configuration with another value at a path."""
    name, _, rest = path.partition(".")
    return dataclasses.replace(config, **{name: with_value(getattr(config, name), rest, value) if rest else value})
