"""Launch substitutions that compute: comparisons, logic and Python expressions."""

import importlib
import math
from collections.abc import Iterable
from typing import Any

from embedded_ros.launch_substitutions import LaunchContext, Substitution, SubstitutionFailure, text_of

_TRUTH_VALUES = {"true": True, "1": True, "false": False, "0": False}


def _is_true(context: LaunchContext, value: Any) -> bool:
    text = text_of(context, value).strip().lower()
    if text not in _TRUTH_VALUES:
        raise SubstitutionFailure(f"expected one of {list(_TRUTH_VALUES)}, got '{text}'")
    return _TRUTH_VALUES[text]


def _truth(value: bool) -> str:
    return "true" if value else "false"


class NotSubstitution(Substitution):
    """True if a truth value is false."""

    def __init__(self, value: Any):
        self.value = value

    def perform(self, context: LaunchContext) -> str:
        """`true` or `false`."""
        return _truth(not _is_true(context, self.value))


class AndSubstitution(Substitution):
    """True if two truth values are."""

    def __init__(self, left: Any, right: Any):
        self.left, self.right = left, right

    def perform(self, context: LaunchContext) -> str:
        """`true` or `false`."""
        return _truth(_is_true(context, self.left) and _is_true(context, self.right))


class OrSubstitution(AndSubstitution):
    """True if one of two truth values is."""

    def perform(self, context: LaunchContext) -> str:
        """`true` or `false`."""
        return _truth(_is_true(context, self.left) or _is_true(context, self.right))


class EqualsSubstitution(Substitution):
    """True if two texts are equal, or stand for the same truth value or number."""

    def __init__(self, left: Any, right: Any):
        self.left, self.right = left, right

    def perform(self, context: LaunchContext) -> str:
        """`true` or `false`."""
        first, second = text_of(context, self.left), text_of(context, self.right)
        if first.lower() in _TRUTH_VALUES and second.lower() in _TRUTH_VALUES:
            return _truth(_TRUTH_VALUES[first.lower()] == _TRUTH_VALUES[second.lower()])
        try:
            return _truth(math.isclose(float(first), float(second)))
        except ValueError:
            return _truth(first == second)


class PythonExpression(Substitution):
    """The value of a Python expression, in which `python_modules` are there, and the names of `math` by themselves."""

    def __init__(self, expression: Iterable[Any] | Any, python_modules: Iterable[Any] = ("math",)):
        self.expression, self.python_modules = expression, tuple(python_modules)

    def perform(self, context: LaunchContext) -> str:
        """The value as text."""
        names: dict[str, Any] = {}
        for name in (text_of(context, module) for module in self.python_modules):
            names[name] = importlib.import_module(name)
            names.update(vars(math) if name == "math" else {})
        text = text_of(context, self.expression)
        try:
            return str(eval(text, {}, names))
        except Exception as error:  # an expression may fail in any way
            raise SubstitutionFailure(f"the Python expression '{text}' failed: {error!r}") from error
