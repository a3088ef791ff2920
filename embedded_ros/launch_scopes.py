"""Launch actions that hold for what follows in the same scope, and the group that is a scope."""

from collections.abc import Iterable
from typing import Any

from embedded_ros.launch_actions import Action, Entities, run_entities
from embedded_ros.launch_substitutions import LaunchContext, text_of


class PushRosNamespace(Action):
    """Put the nodes that follow in the same scope into a namespace."""

    def __init__(self, namespace: Any, **kwargs: Any):
        super().__init__(**kwargs)
        self.namespace = namespace

    def execute(self, context: LaunchContext) -> None:
        """Append to the current namespace; an absolute one replaces it."""
        context.ros_namespace = join_namespaces(context.ros_namespace, text_of(context, self.namespace))


def join_namespaces(base: str, namespace: str) -> str:
    """A namespace inside another; an absolute one stays as it is."""
    if not namespace or namespace.startswith("/"):
        return namespace or base
    return f"{base.rstrip('/')}/{namespace}"


class SetParameter(Action):
    """Give a parameter of the nodes that follow in the same scope a value; their own parameters overrule it."""

    def __init__(self, name: Any, value: Any, **kwargs: Any):
        super().__init__(**kwargs)
        self.name, self.value = name, value

    def execute(self, context: LaunchContext) -> None:
        """Add it to what the nodes are told."""
        context.ros_parameters = [*context.ros_parameters, (text_of(context, self.name), self.value)]


class SetRemap(Action):
    """Rename a topic or service of the nodes that follow in the same scope; it comes before their own remappings."""

    def __init__(self, src: Any, dst: Any, **kwargs: Any):
        super().__init__(**kwargs)
        self.src, self.dst = src, dst

    def execute(self, context: LaunchContext) -> None:
        """Add it to what the nodes are told."""
        context.ros_remaps = [*context.ros_remaps, (text_of(context, self.src), text_of(context, self.dst))]


class GroupAction(Action):
    """Several actions; what they set is forgotten at their end if `scoped`."""

    def __init__(self, actions: Iterable[Any], *, scoped: bool = True, **kwargs: Any):
        super().__init__(**kwargs)
        self.actions, self.scoped = list(actions), scoped

    def execute(self, context: LaunchContext) -> None:
        """Execute the actions."""
        saved = context.save()
        run_entities(self.actions, context)
        if self.scoped:
            context.restore(saved)

    def get_sub_entities(self) -> Entities:
        """The actions."""
        return self.actions
