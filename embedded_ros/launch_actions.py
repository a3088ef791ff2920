"""Launch descriptions and the actions in them, except those that start processes."""

import importlib.util
import itertools
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from embedded_ros.errors import NotInSubsetError
from embedded_ros.launch_substitutions import (
    IfCondition,
    LaunchContext,
    Substitution,
    SubstitutionFailure,
    normalize_to_list_of_substitutions,
    text_of,
)

Entities = list["Action | LaunchDescription"]


class Action:
    """Something that a launch file does."""

    def __init__(self, *, condition: IfCondition | None = None, **unknown: Any):
        if unknown:
            raise NotInSubsetError(f"the argument {sorted(unknown)} of {type(self).__name__}")
        self.condition = condition

    def visit(self, context: LaunchContext) -> Entities | None:
        """Execute unless the condition forbids it."""
        if self.condition is None or self.condition.evaluate(context):
            return self.execute(context)
        return None

    def execute(self, context: LaunchContext) -> Entities | None:
        """Do it; actions that are returned are executed next."""
        raise NotImplementedError

    def get_sub_entities(self) -> Entities:
        """Actions inside this one, for the list of arguments."""
        return []


class LaunchDescription:
    """A list of actions."""

    def __init__(self, initial_entities: Iterable[Any] | None = None):
        self.entities: Entities = list(initial_entities or [])

    def add_action(self, action: Any) -> None:
        """Append an action."""
        self.entities.append(action)

    add_entity = add_action

    def visit(self, context: LaunchContext) -> Entities:
        """The actions."""
        return self.entities

    def get_launch_arguments(self) -> list["DeclareLaunchArgument"]:
        """All declared arguments, those of included files too, each once."""
        found: dict[str, DeclareLaunchArgument] = {}
        pending: Entities = list(self.entities)
        while pending:
            entity = pending.pop(0)
            if isinstance(entity, DeclareLaunchArgument):
                found.setdefault(entity.name, entity)
            pending[:0] = entity.entities if isinstance(entity, LaunchDescription) else entity.get_sub_entities()
        return list(found.values())


def run_entities(entities: Iterable[Any], context: LaunchContext) -> None:
    """Execute actions depth first."""
    for entity in entities:
        run_entities(entity.visit(context) or [], context)


class DeclareLaunchArgument(Action):
    """An argument of the launch file; required if it has no default."""

    def __init__(
        self, name: str, *, default_value: Any = None, description: str | None = None,
        choices: list[str] | None = None, **kwargs: Any,
    ):  # fmt: skip
        super().__init__(**kwargs)
        self.name, self.choices = name, choices
        self.default_value: list[Substitution] | None = None
        if default_value is not None:
            self.default_value = normalize_to_list_of_substitutions(default_value)
        self.description = description or "no description given"
        if choices is not None:
            self.description = f"{self.description}. Valid choices are: {choices}"
        if choices is not None and isinstance(default_value, str) and default_value not in choices:
            raise RuntimeError(f'Provided default_value "{default_value}" is not in provided choices "{choices}".')

    def execute(self, context: LaunchContext) -> None:
        """Set the configuration to its default unless it has a value; check the value."""
        if self.name not in context.launch_configurations:
            if self.default_value is None:
                raise RuntimeError(
                    f"Required launch argument '{self.name}' (description: '{self.description}') was not provided"
                )
            context.launch_configurations[self.name] = text_of(context, self.default_value)
        value = context.launch_configurations[self.name]
        if self.choices is not None and value not in self.choices:
            raise RuntimeError(
                f'Argument "{self.name}" provided value "{value}" is not valid. Valid options are: {self.choices}'
            )

    def help_text(self) -> str:
        """What `--show-args` prints."""
        text = f"\n    '{self.name}':\n        {self.description}"
        if self.default_value is not None:
            text += f"\n        (default: {' + '.join(part.describe() for part in self.default_value)})"
        return text


class OpaqueFunction(Action):
    """Call a function with the context; the actions that it returns, if any, are executed next."""

    def __init__(
        self, *, function: Callable[..., Iterable[Any] | None], args: Iterable[Any] | None = None,
        kwargs: dict[str, Any] | None = None, **action_options: Any,
    ):  # fmt: skip
        super().__init__(**action_options)
        self.function, self.args, self.kwargs = function, list(args or []), dict(kwargs or {})

    def execute(self, context: LaunchContext) -> Entities | None:
        """Call the function."""
        actions = self.function(context, *self.args, **self.kwargs)
        return None if actions is None else list(actions)


class PythonLaunchDescriptionSource:
    """A launch file in Python."""

    _numbers = itertools.count()

    def __init__(self, launch_file_path: Any):
        self.location = launch_file_path

    def load(self, context: LaunchContext) -> LaunchDescription:
        """The description that the file generates."""
        path = Path(text_of(context, self.location)).resolve()
        if not path.is_file():
            raise FileNotFoundError(f"the launch file '{path}' does not exist")
        spec = importlib.util.spec_from_file_location(f"launch_file_{next(self._numbers)}", path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        if not hasattr(module, "generate_launch_description"):
            raise RuntimeError(
                f"launch file '{path}' does not contain the required function 'generate_launch_description()'"
            )
        return module.generate_launch_description()


class IncludeLaunchDescription(Action):
    """Execute another launch file, with arguments of its own."""

    def __init__(self, launch_description_source: Any, *, launch_arguments: Any = None, **kwargs: Any):
        super().__init__(**kwargs)
        if not isinstance(launch_description_source, PythonLaunchDescriptionSource):
            launch_description_source = PythonLaunchDescriptionSource(launch_description_source)
        self.source = launch_description_source
        self.launch_arguments = list(launch_arguments or [])

    def execute(self, context: LaunchContext) -> Entities:
        """Set the arguments and execute the file."""
        for name, value in self.launch_arguments:
            context.launch_configurations[text_of(context, name)] = text_of(context, value)
        return [self.source.load(context)]

    def get_sub_entities(self) -> Entities:
        """The included file, where its path is known before anything runs."""
        try:
            return [self.source.load(LaunchContext())]
        except SubstitutionFailure:
            return []
