"""Nodes: the owner of publishers, subscriptions, services, clients, timers and parameters."""

import weakref
from collections.abc import Callable, Iterator
from typing import Any

from embedded_ros import graph, names
from embedded_ros.arguments import parse_arguments
from embedded_ros.callback_groups import CallbackGroup, MutuallyExclusiveCallbackGroup, ReentrantCallbackGroup
from embedded_ros.clocks import Clock, ROSClock
from embedded_ros.context import Context, get_default_context
from embedded_ros.errors import NotInSubsetError, refuse_members
from embedded_ros.events import PublisherEventCallbacks, SubscriptionEventCallbacks
from embedded_ros.exceptions import NotInitializedException
from embedded_ros.log import RcutilsLogger, attach_rosout, detach_rosout
from embedded_ros.message_classes import message_class, require_message_class
from embedded_ros.node_graph import NodeGraph
from embedded_ros.node_parameters import NodeParameters
from embedded_ros.parameters import Parameter
from embedded_ros.qos import (
    QoSProfile,
    qos_profile_parameter_events,
    qos_profile_rosout_default,
    qos_profile_services_default,
)
from embedded_ros.qos_overrides import QoSOverridingOptions, _declare_qos_parameters
from embedded_ros.services import Client, Service
from embedded_ros.simulated_time import TimeSource
from embedded_ros.timers import Rate, Timer
from embedded_ros.times import NANOSECONDS
from embedded_ros.topics import Publisher, Subscription
from embedded_ros.waitables import GuardCondition, Waitable
from embedded_ros.wire import Participant


class Node(NodeParameters, NodeGraph):
    """A named participant of the ROS graph."""

    def __init__(
        self, node_name: str, *, context: Context | None = None, cli_args: list[str] | None = None,
        namespace: str | None = None, use_global_arguments: bool = True, enable_rosout: bool = True,
        start_parameter_services: bool = True, parameter_overrides: list[Parameter] | None = None,
        allow_undeclared_parameters: bool = False, automatically_declare_parameters_from_overrides: bool = False,
        enable_logger_service: bool = False,
    ):  # fmt: skip
        self._context = get_default_context() if context is None else context
        if not self._context.ok():
            raise NotInitializedException("cannot create node")
        if enable_logger_service:
            raise NotInSubsetError("Node(enable_logger_service=True)")
        own = parse_arguments(cli_args or [])
        given = [own, self._context.arguments] if use_global_arguments else [own]
        self._remap_rules = [rule for arguments in given for rule in arguments.remap_rules]
        namespace = namespace or "/"
        namespace = namespace if namespace.startswith("/") else f"/{namespace}"
        self._name, self._namespace = names.remapped_identity(node_name, namespace, self._remap_rules)
        names.validate_node_name(self._name)
        names.validate_namespace(self._namespace)

        self._publishers: list[Publisher] = []
        self._rosout_publisher: Publisher | None = None
        self._entities: list[Any] = []
        self._default_callback_group = MutuallyExclusiveCallbackGroup()
        self._rate_group = ReentrantCallbackGroup()
        self._clock = ROSClock()
        self._executor_reference: Any = None
        self._logger = RcutilsLogger(self.get_fully_qualified_name().strip("/").replace("/", "."))
        overrides: dict[str, Any] = {}
        for arguments in reversed(given):
            overrides.update(arguments.overrides_for(self._name, self._namespace))
        parameters = {name: Parameter(name, value=value) for name, value in overrides.items()}
        parameters.update({parameter.name: parameter for parameter in parameter_overrides or []})
        self._init_parameters(parameters, allow_undeclared_parameters)
        if self._context.graph_announcer is None:
            self._context.graph_announcer = graph.NodeAnnouncer(self._context.participant)

        if enable_rosout and self._context.arguments.rosout_logs:
            log_type = message_class("rcl_interfaces/msg/Log")
            self._rosout_publisher = Publisher(self, log_type, "/rosout", qos_profile_rosout_default)
            attach_rosout(self._logger.name, self._rosout_publisher)
        self._parameter_event_publisher = self.create_publisher(
            message_class("rcl_interfaces/msg/ParameterEvent"), "/parameter_events", qos_profile_parameter_events
        )
        if automatically_declare_parameters_from_overrides:
            self.declare_parameters("", [(p.name, p.value) for p in parameters.values()], ignore_override=True)
        self._time_source = TimeSource(node=self)
        self._time_source.attach_clock(self._clock)
        if start_parameter_services:
            self._start_parameter_services()

    # Identity

    def get_name(self) -> str:
        """The name without namespace."""
        return self._name

    def get_namespace(self) -> str:
        """The namespace, `/` for the root."""
        return self._namespace

    def get_fully_qualified_name(self) -> str:
        """Namespace and name."""
        return f"{self._namespace.rstrip('/')}/{self._name}"

    def get_logger(self) -> RcutilsLogger:
        """The node's logger."""
        return self._logger

    def get_clock(self) -> ROSClock:
        """The node's clock."""
        return self._clock

    @property
    def context(self) -> Context:
        """The context that the node lives in."""
        return self._context

    @property
    def handle(self) -> Participant:
        """What the layer below knows the node by: the DDS participant of its context."""
        return self._context.participant

    @property
    def default_callback_group(self) -> CallbackGroup:
        """The group of entities that were given none: mutually exclusive."""
        return self._default_callback_group

    @property
    def executor(self) -> Any:
        """The executor that runs the node's callbacks, if any."""
        return self._executor_reference() if self._executor_reference is not None else None

    @executor.setter
    def executor(self, new_executor: Any) -> None:
        current = self.executor
        if current is not None and current is not new_executor:
            current.remove_node(self)
        self._executor_reference = None if new_executor is None else weakref.ref(new_executor)
        if new_executor is not None and new_executor is not current:
            new_executor.add_node(self)

    def resolve_topic_name(self, topic: str, *, only_expand: bool = False) -> str:
        """The absolute name of a topic after expansion and remapping."""
        return self._resolve(topic, False, only_expand)

    def resolve_service_name(self, service: str, *, only_expand: bool = False) -> str:
        """The absolute name of a service after expansion and remapping."""
        return self._resolve(service, True, only_expand)

    def _resolve(self, name: str, is_service: bool, only_expand: bool = False) -> str:
        names.validate_topic_name(name, is_service=is_service)
        expanded = names.expand_valid_name(name, self._name, self._namespace)
        if not only_expand:
            expanded = names.apply_remapping(expanded, self._name, self._namespace, self._remap_rules, is_service)
        names.validate_full_topic_name(expanded, is_service=is_service)
        return expanded

    # Entities

    @property
    def waitables(self) -> list[Waitable]:
        """Everything that an executor waits for."""
        events = [entity.events for entity in (*self._publishers, *self._entities) if hasattr(entity, "events")]
        return [*self._entities, *(event for event in events if event.handlers)]

    @property
    def publishers(self) -> Iterator[Publisher]:
        """The node's publishers."""
        return iter(list(self._publishers))

    @property
    def subscriptions(self) -> Iterator[Subscription]:
        """The node's subscriptions."""
        return (entity for entity in list(self._entities) if isinstance(entity, Subscription))

    @property
    def clients(self) -> Iterator[Client]:
        """The node's clients."""
        return (entity for entity in list(self._entities) if isinstance(entity, Client))

    @property
    def services(self) -> Iterator[Service]:
        """The node's services."""
        return (entity for entity in list(self._entities) if isinstance(entity, Service))

    @property
    def timers(self) -> Iterator[Timer]:
        """The node's timers."""
        return (entity for entity in list(self._entities) if isinstance(entity, Timer))

    def create_publisher(
        self, msg_type: Any, topic: str, qos_profile: QoSProfile | int, *,
        callback_group: CallbackGroup | None = None, event_callbacks: PublisherEventCallbacks | None = None,
        qos_overriding_options: QoSOverridingOptions | None = None,
        publisher_class: type[Publisher] = Publisher,
    ) -> Any:  # fmt: skip
        """A publisher of a topic; an integer stands for a history depth."""
        name, profile = self._resolve(topic, False), _as_profile(qos_profile)
        if qos_overriding_options is not None:
            _declare_qos_parameters(Publisher, self, name, profile, qos_overriding_options)
        publisher = publisher_class(
            self, require_message_class(msg_type), name, profile, event_callbacks, callback_group
        )
        self._publishers.append(publisher)
        self._entities_changed()
        return publisher

    def create_subscription(
        self, msg_type: Any, topic: str, callback: Callable[..., Any], qos_profile: QoSProfile | int, *,
        callback_group: CallbackGroup | None = None, event_callbacks: SubscriptionEventCallbacks | None = None,
        qos_overriding_options: QoSOverridingOptions | None = None, raw: bool = False,
    ) -> Subscription:  # fmt: skip
        """Call back with each message of a topic; with `raw` as serialised bytes."""
        name, profile = self._resolve(topic, False), _as_profile(qos_profile)
        if qos_overriding_options is not None:
            _declare_qos_parameters(Subscription, self, name, profile, qos_overriding_options)
        group = callback_group or self._default_callback_group
        return self._add(
            Subscription(self, require_message_class(msg_type), name, callback, group, profile, raw, event_callbacks)
        )

    def create_client(
        self, srv_type: Any, srv_name: str, *, qos_profile: QoSProfile = qos_profile_services_default,
        callback_group: CallbackGroup | None = None,
    ) -> Client:  # fmt: skip
        """A client of a service."""
        group = callback_group or self._default_callback_group
        return self._add(Client(self, srv_type, self._resolve(srv_name, True), qos_profile, group))

    def create_service(
        self, srv_type: Any, srv_name: str, callback: Callable[..., Any], *,
        qos_profile: QoSProfile = qos_profile_services_default, callback_group: CallbackGroup | None = None,
    ) -> Service:  # fmt: skip
        """Offer a service."""
        group = callback_group or self._default_callback_group
        return self._add(Service(self, srv_type, self._resolve(srv_name, True), callback, group, qos_profile))

    def create_timer(
        self, timer_period_sec: float, callback: Callable[..., Any], callback_group: CallbackGroup | None = None,
        clock: Clock | None = None, autostart: bool = True,
    ) -> Timer:  # fmt: skip
        """Call back every so many seconds."""
        group = callback_group or self._default_callback_group
        period_ns = int(float(timer_period_sec) * NANOSECONDS)
        clock = clock or self._clock
        return self._add(Timer(callback, group, period_ns, clock, autostart=autostart, wake=self._wake_executor))

    def create_rate(self, frequency: float, clock: Clock | None = None) -> Rate:
        """A rate that ticks so many times a second; another thread must spin this node."""
        if frequency <= 0:
            raise ValueError("frequency must be > 0")
        return Rate(self.create_timer(1.0 / frequency, lambda: None, self._rate_group, clock), context=self._context)

    def create_guard_condition(
        self, callback: Callable[[], Any], callback_group: CallbackGroup | None = None
    ) -> GuardCondition:  # fmt: skip
        """Call back when triggered."""
        return self._add(GuardCondition(callback, callback_group or self._default_callback_group, self._wake_executor))

    def _add(self, entity: Any) -> Any:
        entity.callback_group.add_entity(entity)
        self._entities.append(entity)
        self._entities_changed()
        return entity

    def _wake_executor(self) -> None:
        executor = self.executor
        if executor is not None:
            executor.wake()

    def _entities_changed(self) -> None:
        hidden = [] if self._rosout_publisher is None else [self._rosout_publisher]
        readers: list[bytes] = []
        # An entity that was destroyed by its own method is still listed here.
        writers = [publisher.raw.guid() for publisher in (*self._publishers, *hidden) if publisher.raw.exists]
        for entity in self._entities:
            readers += [entity.reader.guid()] if hasattr(entity, "reader") and entity.reader.exists else []
            writers += [entity.writer.guid()] if hasattr(entity, "writer") and entity.writer.exists else []
        self._context.graph_announcer.update(self._name, self._namespace, readers, writers)
        self._wake_executor()

    def _destroy(self, entity: Any) -> bool:
        """Destroy something that the node has created; False if it has not, or it is gone."""
        owner: list[Any] = self._publishers if isinstance(entity, Publisher) else self._entities
        if entity not in owner:
            return False
        owner.remove(entity)
        entity.destroy()
        if self._context.ok():
            self._entities_changed()
        return True

    destroy_publisher = destroy_subscription = destroy_client = destroy_service = _destroy
    destroy_timer = destroy_guard_condition = _destroy

    def destroy_rate(self, rate: Rate) -> bool:
        """Destroy a rate of this node; who sleeps is woken."""
        rate.destroy()
        return self._destroy(rate._timer)

    def destroy_node(self) -> None:
        """Destroy everything that the node has, and take it off the graph."""
        executor = self.executor
        if executor is not None:
            executor.remove_node(self)
        detach_rosout(self._logger.name)
        entities, publishers = self._entities, self._publishers
        self._entities, self._publishers = [], []
        hidden = [] if self._rosout_publisher is None else [self._rosout_publisher]
        for entity in (*entities, *publishers, *hidden):
            entity.destroy()
        if self._context.ok():
            self._context.graph_announcer.update(self._name, self._namespace, None, None)

    def __enter__(self) -> "Node":
        return self

    def __exit__(self, *_: object) -> None:
        self.destroy_node()


refuse_members(Node, "add_waitable", "remove_waitable", "guards", "get_node_names_and_namespaces_with_enclaves")


def _as_profile(qos_profile: QoSProfile | int) -> QoSProfile:
    if isinstance(qos_profile, QoSProfile):
        return qos_profile
    if not isinstance(qos_profile, int):
        raise TypeError(f"Expected QoSProfile or int, but received {type(qos_profile)!r}")
    if qos_profile < 0:
        raise ValueError("history depth must be greater than or equal to zero")
    return QoSProfile(depth=qos_profile)
