"""Managed nodes: a node with a state machine, its services and its transition events."""

import traceback
from collections.abc import Callable
from functools import partialmethod
from typing import Any

from embedded_ros.callback_groups import CallbackGroup
from embedded_ros.errors import RCLError, refuse_members
from embedded_ros.lifecycle_states import (
    CALLBACKS,
    OUTCOME_TRANSITIONS,
    REQUESTED_TRANSITIONS,
    STATES,
    LifecycleState,
    LifecycleStateMachine,
    Transition,
    TransitionCallbackReturn,
)
from embedded_ros.message_classes import message_class, service_class
from embedded_ros.node import Node
from embedded_ros.topics import Publisher

_SUCCESS = TransitionCallbackReturn.SUCCESS


def _succeed(entity: Any, state: LifecycleState) -> TransitionCallbackReturn:
    """Follow a transition that starts in `state`."""
    return _SUCCESS


class ManagedEntity:
    """Something that follows a node's transitions; each callback succeeds unless overridden."""

    on_configure = on_cleanup = on_shutdown = on_activate = on_deactivate = on_error = _succeed


class SimpleManagedEntity(ManagedEntity):
    """Knows whether its node is active."""

    def __init__(self) -> None:
        self._enabled = False

    @property
    def is_activated(self) -> bool:
        """Whether the node is active."""
        return self._enabled

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Enable."""
        self._enabled = True
        return _SUCCESS

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Disable."""
        self._enabled = False
        return _SUCCESS


refuse_members(SimpleManagedEntity, "when_enabled")


class LifecyclePublisher(SimpleManagedEntity, Publisher):
    """A publisher that sends only while its node is active."""

    def __init__(self, *args: Any, **kwargs: Any):
        SimpleManagedEntity.__init__(self)
        Publisher.__init__(self, *args, **kwargs)

    def publish(self, msg: Any) -> None:
        """Send a message; nothing is sent while the node is not active."""
        if self.is_activated:
            Publisher.publish(self, msg)


class LifecycleNodeMixin(ManagedEntity):
    """What makes a Node a managed node."""

    # What this mixin uses of Node.
    create_publisher: Callable[..., Any]
    create_service: Callable[..., Any]
    destroy_publisher: Callable[..., bool]
    get_clock: Callable[[], Any]
    get_logger: Callable[[], Any]

    def __init__(
        self, *, enable_communication_interface: bool = True, callback_group: CallbackGroup | None = None
    ):  # fmt: skip
        if not isinstance(enable_communication_interface, bool):
            raise TypeError("enable_communication_interface must be a bool")
        self._state_machine = LifecycleStateMachine()
        self._managed_entities: list[ManagedEntity] = []
        self._transition_publisher: Publisher | None = None
        if enable_communication_interface:
            self._offer_services(callback_group)

    def _offer_services(self, group: CallbackGroup | None) -> None:
        event_type = message_class("lifecycle_msgs/msg/TransitionEvent")
        self._transition_publisher = self.create_publisher(event_type, "~/transition_event", 10)
        for srv_name, type_name, answer in (
            ("change_state", "ChangeState", self._answer_change_state),
            ("get_state", "GetState", self._answer_get_state),
            ("get_available_states", "GetAvailableStates", self._answer_available_states),
            ("get_available_transitions", "GetAvailableTransitions", self._answer_available_transitions),
            ("get_transition_graph", "GetAvailableTransitions", self._answer_transition_graph),
        ):
            srv_type = service_class(f"lifecycle_msgs/srv/{type_name}")
            service = self.create_service(srv_type, f"~/{srv_name}", answer, callback_group=group)
            setattr(self._state_machine, f"service_{srv_name}", service)

    def add_managed_entity(self, entity: ManagedEntity) -> None:
        """Let an entity follow this node's transitions."""
        if not isinstance(entity, ManagedEntity):
            raise TypeError("Expected a rclpy.lifecycle.ManagedEntity instance.")
        self._managed_entities.append(entity)

    def create_lifecycle_publisher(self, *args: Any, **kwargs: Any) -> LifecyclePublisher:
        """A publisher that sends only while the node is active."""
        publisher = self.create_publisher(*args, **kwargs, publisher_class=LifecyclePublisher)
        self._managed_entities.append(publisher)
        return publisher

    def destroy_lifecycle_publisher(self, publisher: LifecyclePublisher) -> bool:
        """Destroy a publisher made by `create_lifecycle_publisher`."""
        if publisher in self._managed_entities:
            self._managed_entities.remove(publisher)
        return self.destroy_publisher(publisher)

    def _pass_on(self, callback_name: str, state: LifecycleState) -> TransitionCallbackReturn:
        for entity in list(self._managed_entities):
            outcome = getattr(entity, callback_name)(state)
            if not isinstance(outcome, TransitionCallbackReturn):
                raise TypeError(f"{callback_name}() of {type(entity)} must return a TransitionCallbackReturn")
            if outcome != _SUCCESS:
                return outcome
        return _SUCCESS

    # The callbacks of the transitions pass them on to the managed entities.
    on_configure = partialmethod(_pass_on, "on_configure")
    on_cleanup = partialmethod(_pass_on, "on_cleanup")
    on_shutdown = partialmethod(_pass_on, "on_shutdown")
    on_activate = partialmethod(_pass_on, "on_activate")
    on_deactivate = partialmethod(_pass_on, "on_deactivate")
    on_error = partialmethod(_pass_on, "on_error")

    def _change_state(self, wanted: str | int) -> TransitionCallbackReturn:
        """Run a requested transition, by label or number, to its end."""
        machine = self._state_machine
        number, label = machine.current_state
        transition = machine.find(wanted)
        if transition is None:
            raise RCLError(f"Transition {wanted!r} is not possible from state '{label}'")
        before = LifecycleState(label, number)
        self._follow(transition)
        outcome = self._run_callback(before)
        self._follow(machine.outcome(outcome))
        if outcome == TransitionCallbackReturn.ERROR:
            self._follow(machine.outcome(self._run_callback(before)))
        return outcome

    # What a client may ask for; the result is what the callback said.
    trigger_configure = partialmethod(_change_state, "configure")
    trigger_cleanup = partialmethod(_change_state, "cleanup")
    trigger_activate = partialmethod(_change_state, "activate")
    trigger_deactivate = partialmethod(_change_state, "deactivate")
    trigger_shutdown = partialmethod(_change_state, "shutdown")

    def _run_callback(self, before: LifecycleState) -> TransitionCallbackReturn:
        name = CALLBACKS[self._state_machine.current_state[1]]
        try:
            return TransitionCallbackReturn(getattr(self, name)(before))
        except Exception:
            self.get_logger().error(f"{name} failed:\n{traceback.format_exc()}")
            return TransitionCallbackReturn.ERROR

    def _follow(self, transition: Transition) -> None:
        self._state_machine.follow(transition)
        if self._transition_publisher is not None and self._transition_publisher.is_usable:
            event = message_class("lifecycle_msgs/msg/TransitionEvent")()
            event.timestamp = self.get_clock().now().nanoseconds
            description = _describe(transition)
            event.transition = description.transition
            event.start_state, event.goal_state = description.start_state, description.goal_state
            self._transition_publisher.publish(event)

    def _answer_change_state(self, request: Any, response: Any) -> Any:
        wanted = request.transition.label or request.transition.id
        if self._state_machine.find(wanted) is None:
            state = self._state_machine.current_state[1]
            self.get_logger().error(f"No transition matching {wanted!r} found for current state {state}")
            response.success = False
        else:
            response.success = self._change_state(wanted) == _SUCCESS
        return response

    def _answer_get_state(self, request: Any, response: Any) -> Any:
        response.current_state = _state_message(self._state_machine.current_state[1])
        return response

    def _answer_available_states(self, request: Any, response: Any) -> Any:
        response.available_states = [_state_message(label) for label in STATES]
        return response

    def _answer_available_transitions(self, request: Any, response: Any) -> Any:
        possible = self._state_machine.available_transitions
        response.available_transitions = [_describe(edge) for edge in possible]
        return response

    def _answer_transition_graph(self, request: Any, response: Any) -> Any:
        edges = REQUESTED_TRANSITIONS + OUTCOME_TRANSITIONS
        response.available_transitions = [_describe(edge) for edge in edges]
        return response


class LifecycleNode(LifecycleNodeMixin, Node):
    """A managed node."""

    def __init__(self, node_name: str, *, enable_communication_interface: bool = True, **kwargs: Any):
        Node.__init__(self, node_name, **kwargs)
        LifecycleNodeMixin.__init__(self, enable_communication_interface=enable_communication_interface)


def _state_message(label: str) -> Any:
    return message_class("lifecycle_msgs/msg/State")(id=STATES[label], label=label)


def _describe(edge: Transition) -> Any:
    transition = message_class("lifecycle_msgs/msg/Transition")(id=edge.transition_id, label=edge.label)
    return message_class("lifecycle_msgs/msg/TransitionDescription")(
        transition=transition, start_state=_state_message(edge.start), goal_state=_state_message(edge.goal)
    )
