"""Nodes: the owner of publishers, subscriptions, services, clients, timers and parameters."""

import weakref
from collections.abc import Callable, Iterator
from typing import Any

from embedded_ros import graph, names
from embedded_ros.arguments import parse_arguments
from embedded_ros.callback_groups import CallbackGroup, MutuallyExclusiveCallbackGroup
from embedded_ros.clocks import NANOSECONDS, Clock, ROSClock, refuse_simulated_time
from embedded_ros.context import Context, get_default_context
from embedded_ros.dds_library import BUILTIN_PUBLICATIONS, BUILTIN_SUBSCRIPTIONS
from embedded_ros.errors import NotInSubsetError, refuse_members
from embedded_ros.exceptions import NotInitializedException
from embedded_ros.log import RcutilsLogger, attach_rosout, detach_rosout
from embedded_ros.message_classes import message_class, require_message_class
from embedded_ros.node_parameters import NodeParameters
from embedded_ros.parameters import Parameter
from embedded_ros.qos import (
    QoSProfile,
    qos_profile_parameter_events,
    qos_profile_rosout_default,
    qos_profile_services_default,
)
from embedded_ros.services import Client, Service
from embedded_ros.topics import Publisher, QosEvent, Subscription
from embedded_ros.waitables import GuardCondition, Timer, Waitable


class Node(NodeParameters):
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
        own = parse_arguments(["--ros-args", *cli_args] if cli_args else [])
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
        self._events: dict[int, QosEvent] = {}
        self._default_callback_group = MutuallyExclusiveCallbackGroup()
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

        if enable_rosout:
            log_type = message_class("rcl_interfaces/msg/Log")
            self._rosout_publisher = Publisher(self, log_type, "/rosout", qos_profile_rosout_default)
            attach_rosout(self._logger.name, self._rosout_publisher)
        self._parameter_event_publisher = self.create_publisher(
            message_class("rcl_interfaces/msg/ParameterEvent"), "/parameter_events", qos_profile_parameter_events
        )
        if automatically_declare_parameters_from_overrides:
            self.declare_parameters("", [(p.name, p.value) for p in parameters.values()], ignore_override=True)
        if not self.has_parameter("use_sim_time"):
            self.declare_parameter("use_sim_time", False)
        refuse_simulated_time(self.get_parameter("use_sim_time").value)
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
        expanded = names.expand_topic_name(name, self._name, self._namespace)
        if not only_expand:
            expanded = names.apply_remapping(expanded, self._name, self._namespace, self._remap_rules, is_service)
        names.validate_full_topic_name(expanded, is_service=is_service)
        return expanded

    # Entities

    @property
    def waitables(self) -> list[Waitable]:
        """Everything that an executor waits for."""
        return [*self._entities, *self._events.values()]

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
        callback_group: CallbackGroup | None = None, event_callbacks: Any = None, qos_overriding_options: Any = None,
        publisher_class: type[Publisher] = Publisher,
    ) -> Any:  # fmt: skip
        """A publisher of a topic; an integer stands for a history depth."""
        _refuse_overriding(qos_overriding_options)
        publisher = publisher_class(
            self, require_message_class(msg_type), self._resolve(topic, False), _as_profile(qos_profile)
        )
        on_incompatible = getattr(event_callbacks, "incompatible_qos", None)
        self._events[id(publisher)] = QosEvent(self, publisher.raw, publisher.topic, on_incompatible)
        self._publishers.append(publisher)
        self._entities_changed()
        return publisher

    def create_subscription(
        self, msg_type: Any, topic: str, callback: Callable[..., Any], qos_profile: QoSProfile | int, *,
        callback_group: CallbackGroup | None = None, event_callbacks: Any = None, qos_overriding_options: Any = None,
        raw: bool = False,
    ) -> Subscription:  # fmt: skip
        """Call back with each message of a topic; with `raw` as serialised bytes."""
        _refuse_overriding(qos_overriding_options)
        subscription = Subscription(
            self, require_message_class(msg_type), self._resolve(topic, False), callback,
            callback_group or self._default_callback_group, _as_profile(qos_profile), raw,
        )  # fmt: skip
        on_incompatible = getattr(event_callbacks, "incompatible_qos", None)
        self._events[id(subscription)] = QosEvent(self, subscription.reader, subscription.topic, on_incompatible)
        return self._add(subscription)

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
        return self._add(Timer(callback, group, period_ns, clock or self._clock, autostart, self._wake_executor))

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
        readers, writers = [], [publisher.raw.guid() for publisher in (*self._publishers, *hidden)]
        for entity in self._entities:
            readers += [entity.reader.guid()] if hasattr(entity, "reader") else []
            writers += [entity.writer.guid()] if hasattr(entity, "writer") else []
        self._context.graph_announcer.update(self._name, self._namespace, readers, writers)
        self._wake_executor()

    def _destroy(self, entity: Any) -> bool:
        owner: list[Any] = self._publishers if isinstance(entity, Publisher) else self._entities
        if entity not in owner:
            return False
        owner.remove(entity)
        self._events.pop(id(entity), None)
        entity.destroy()
        if self._context.ok():
            self._entities_changed()
        return True

    def destroy_publisher(self, publisher: Publisher) -> bool:
        """Destroy a publisher of this node."""
        return self._destroy(publisher)

    def destroy_subscription(self, subscription: Subscription) -> bool:
        """Destroy a subscription of this node."""
        return self._destroy(subscription)

    def destroy_client(self, client: Client) -> bool:
        """Destroy a client of this node."""
        return self._destroy(client)

    def destroy_service(self, service: Service) -> bool:
        """Destroy a service of this node."""
        return self._destroy(service)

    def destroy_timer(self, timer: Timer) -> bool:
        """Destroy a timer of this node."""
        return self._destroy(timer)

    def destroy_guard_condition(self, guard: GuardCondition) -> bool:
        """Destroy a guard condition of this node."""
        return self._destroy(guard)

    def destroy_node(self) -> None:
        """Destroy everything that the node has, and take it off the graph."""
        executor = self.executor
        if executor is not None:
            executor.remove_node(self)
        detach_rosout(self._logger.name)
        entities, publishers = self._entities, self._publishers
        self._entities, self._publishers, self._events = [], [], {}
        hidden = [] if self._rosout_publisher is None else [self._rosout_publisher]
        for entity in (*entities, *publishers, *hidden):
            entity.destroy()
        if self._context.ok():
            self._context.graph_announcer.update(self._name, self._namespace, None, None)

    # Graph

    def get_topic_names_and_types(self, no_demangle: bool = False) -> list[tuple[str, list[str]]]:
        """Names and types of all topics that were discovered."""
        return graph.topic_names_and_types(self._context.participant, no_demangle)

    def get_service_names_and_types(self) -> list[tuple[str, list[str]]]:
        """Names and types of all services that were discovered."""
        return graph.service_names_and_types(self._context.participant)

    def get_node_names_and_namespaces(self) -> list[tuple[str, str]]:
        """Name and namespace of all nodes that were discovered."""
        return self._context.graph_announcer.node_names()

    def get_node_names(self) -> list[str]:
        """Names of all nodes that were discovered."""
        return [name for name, _ in self.get_node_names_and_namespaces()]

    def get_fully_qualified_node_names(self) -> list[str]:
        """Absolute names of all nodes that were discovered."""
        return [f"{namespace.rstrip('/')}/{name}" for name, namespace in self.get_node_names_and_namespaces()]

    def count_publishers(self, topic_name: str) -> int:
        """How many publishers a topic has."""
        return self._count(BUILTIN_PUBLICATIONS, f"rt{self._resolve(topic_name, False)}")

    def count_subscribers(self, topic_name: str) -> int:
        """How many subscriptions a topic has."""
        return self._count(BUILTIN_SUBSCRIPTIONS, f"rt{self._resolve(topic_name, False)}")

    def count_clients(self, service_name: str) -> int:
        """How many clients a service has."""
        return self._count(BUILTIN_PUBLICATIONS, f"rq{self._resolve(service_name, True)}Request")

    def count_services(self, service_name: str) -> int:
        """How many servers a service has."""
        return self._count(BUILTIN_SUBSCRIPTIONS, f"rq{self._resolve(service_name, True)}Request")

    def _count(self, builtin_topic: int, dds_topic: str) -> int:
        return graph.count_endpoints(self._context.participant, builtin_topic, dds_topic)

    def __enter__(self) -> "Node":
        return self

    def __exit__(self, *_: object) -> None:
        self.destroy_node()


refuse_members(
    Node, "create_rate", "destroy_rate", "add_waitable", "remove_waitable", "wait_for_node",
    "get_publisher_names_and_types_by_node", "get_subscriber_names_and_types_by_node",
    "get_service_names_and_types_by_node", "get_client_names_and_types_by_node", "get_publishers_info_by_topic",
    "get_subscriptions_info_by_topic", "get_node_names_and_namespaces_with_enclaves",
)  # fmt: skip


def _refuse_overriding(options: Any) -> None:
    if options is not None:
        raise NotInSubsetError("qos_overriding_options")


def _as_profile(qos_profile: QoSProfile | int) -> QoSProfile:
    if isinstance(qos_profile, QoSProfile):
        return qos_profile
    if not isinstance(qos_profile, int):
        raise TypeError(f"Expected QoSProfile or int, but received {type(qos_profile)!r}")
    if qos_profile < 0:
        raise ValueError("history depth must be greater than or equal to zero")
    return QoSProfile(depth=qos_profile)
