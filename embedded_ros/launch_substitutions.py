"""Launch substitutions and conditions: values that are known only when a launch file runs."""

import os
from collections.abc import Iterable
from typing import Any

from embedded_ros.packages import find_package


class SubstitutionFailure(RuntimeError):  # noqa: N818 (launch's own name)
    """A substitution has no value."""


class InvalidConditionExpressionError(RuntimeError):
    """A condition is neither true nor false."""


class LaunchContext:
    """What a launch file runs in: configurations, and what nodes are told.

    `ros_parameters` and `ros_remaps` are never changed in place: a scope keeps what it began with.
    """

    def __init__(self) -> None:
        self.launch_configurations: dict[str, str] = {}
        self.ros_namespace = ""
        self.ros_parameters: list[tuple[str, Any]] = []
        self.ros_remaps: list[tuple[str, str]] = []
        self.service: Any = None

    def perform_substitution(self, substitution: "Substitution") -> str:
        """The text of a substitution."""
        return substitution.perform(self)

    def save(self) -> tuple:
        """What a scope restores at its end."""
        return dict(self.launch_configurations), self.ros_namespace, self.ros_parameters, self.ros_remaps

    def restore(self, saved: tuple) -> None:
        """Return to a state given by `save`."""
        self.launch_configurations, self.ros_namespace, self.ros_parameters, self.ros_remaps = saved


class Substitution:
    """Text that is found when the launch file runs."""

    def perform(self, context: LaunchContext) -> str:
        """The text."""
        raise NotImplementedError

    def describe(self) -> str:
        """How it is shown in a list of arguments."""
        return f"{type(self).__name__}()"


class TextSubstitution(Substitution):
    """Plain text."""

    def __init__(self, *, text: str):
        if not isinstance(text, str):
            raise TypeError(f"TextSubstitution expected Text object got '{type(text)}' instead.")
        self.text = text

    def perform(self, context: LaunchContext) -> str:
        """The text."""
        return self.text

    def describe(self) -> str:
        """The text in quotes."""
        return f"'{self.text}'"


def normalize_to_list_of_substitutions(value: Any) -> list[Substitution]:
    """A text, path, substitution or list of them as a list of substitutions."""
    if isinstance(value, (str, os.PathLike)):
        return [TextSubstitution(text=os.fspath(value))]
    if isinstance(value, Substitution):
        return [value]
    if isinstance(value, Iterable):
        return [part for item in value for part in normalize_to_list_of_substitutions(item)]
    raise TypeError(
        f"Failed to normalize given item of type '{type(value)}', when only 'str' or 'Substitution' were expected."
    )


def text_of(context: LaunchContext, value: Any) -> str:
    """The text of whatever stands for a text in a launch file."""
    return "".join(part.perform(context) for part in normalize_to_list_of_substitutions(value))


class LaunchConfiguration(Substitution):
    """The value of a launch argument or configuration."""

    def __init__(self, variable_name: Any, *, default: Any = None):
        self.variable_name = normalize_to_list_of_substitutions(variable_name)
        self.default = default

    def perform(self, context: LaunchContext) -> str:
        """The value, else the default; SubstitutionFailure without either."""
        name = text_of(context, self.variable_name)
        if name in context.launch_configurations:
            return context.launch_configurations[name]
        if self.default is None:
            raise SubstitutionFailure(f"launch configuration '{name}' does not exist")
        return text_of(context, self.default) if not isinstance(self.default, (int, float)) else str(self.default)

    def describe(self) -> str:
        """Its name."""
        return f"LaunchConfig({' + '.join(part.describe() for part in self.variable_name)})"


class PathJoinSubstitution(Substitution):
    """Texts joined as a path."""

    def __init__(self, substitutions: Iterable[Any]):
        self.substitutions = list(substitutions)

    def perform(self, context: LaunchContext) -> str:
        """The path."""
        return os.path.join(*(text_of(context, part) for part in self.substitutions))


class FindPackageShare(Substitution):
    """The share folder of a package."""

    def __init__(self, package: Any):
        self.package = package

    def perform(self, context: LaunchContext) -> str:
        """The folder; SubstitutionFailure if there is no such package."""
        try:
            return str(find_package(text_of(context, self.package)))
        except KeyError as error:
            raise SubstitutionFailure(str(error)) from error


class IfCondition:
    """Whether an action is executed: true for the texts true and 1."""

    def __init__(self, predicate_expression: Any):
        self.expression = predicate_expression

    def evaluate(self, context: LaunchContext) -> bool:
        """Evaluate the expression."""
        text = text_of(context, self.expression).strip().lower()
        if text not in ("true", "1", "false", "0"):
            raise InvalidConditionExpressionError(
                f"invalid condition expression, expected one of ['true', '1', 'false', '0'], got '{text}'"
            )
        return text in ("true", "1")


class UnlessCondition(IfCondition):
    """True for the texts false and 0."""

    def evaluate(self, context: LaunchContext) -> bool:
        """Evaluate the expression."""
        return not super().evaluate(context)
