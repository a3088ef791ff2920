"""The half of a node that answers who else is there."""

import time
from collections.abc import Callable
from typing import Any

from embedded_ros import graph
from embedded_ros.context import Context
from embedded_ros.dds_library import BUILTIN_PUBLICATIONS, BUILTIN_SUBSCRIPTIONS
from embedded_ros.discovery import DiscoveredEndpoint, find_endpoints
from embedded_ros.endpoint_info import TopicEndpointInfo, TopicEndpointTypeEnum, describe_endpoint
from embedded_ros.exceptions import NameValidationException

_POLL_S = 0.05
NamesAndTypes = list[tuple[str, list[str]]]


class NodeGraph:
    """Mixin of Node."""

    # What this mixin uses of Node.
    _context: Context
    resolve_topic_name: Callable[..., str]
    resolve_service_name: Callable[..., str]

    def get_topic_names_and_types(self, no_demangle: bool = False) -> NamesAndTypes:
        """Names and types of all topics that were discovered."""
        return graph.topic_names_and_types(graph.all_endpoints(self._context.participant), no_demangle)

    def get_service_names_and_types(self) -> NamesAndTypes:
        """Names and types of all services that were discovered."""
        return graph.service_names_and_types(graph.all_endpoints(self._context.participant))

    def get_publisher_names_and_types_by_node(
        self, node_name: str, node_namespace: str, no_demangle: bool = False
    ) -> NamesAndTypes:  # fmt: skip
        """Names and types of the topics that a node publishes."""
        endpoints = self._endpoints_of(node_name, node_namespace, BUILTIN_PUBLICATIONS)
        return graph.topic_names_and_types(endpoints, no_demangle)

    def get_subscriber_names_and_types_by_node(
        self, node_name: str, node_namespace: str, no_demangle: bool = False
    ) -> NamesAndTypes:  # fmt: skip
        """Names and types of the topics that a node subscribes to."""
        endpoints = self._endpoints_of(node_name, node_namespace, BUILTIN_SUBSCRIPTIONS)
        return graph.topic_names_and_types(endpoints, no_demangle)

    def get_service_names_and_types_by_node(self, node_name: str, node_namespace: str) -> NamesAndTypes:
        """Names and types of the services that a node offers."""
        return graph.service_names_and_types(self._endpoints_of(node_name, node_namespace, BUILTIN_SUBSCRIPTIONS))

    def get_client_names_and_types_by_node(self, node_name: str, node_namespace: str) -> NamesAndTypes:
        """Names and types of the services that a node has clients of."""
        return graph.service_names_and_types(self._endpoints_of(node_name, node_namespace, BUILTIN_PUBLICATIONS))

    def _endpoints_of(self, name: str, namespace: str, builtin_topic: int) -> list[DiscoveredEndpoint]:
        return self._context.graph_announcer.endpoints_of(name, namespace, builtin_topic)

    def get_node_names_and_namespaces(self) -> list[tuple[str, str]]:
        """Name and namespace of all nodes that were discovered."""
        return [(node.name, node.namespace) for node in self._context.graph_announcer.nodes()]

    def get_node_names(self) -> list[str]:
        """Names of all nodes that were discovered."""
        return [name for name, _ in self.get_node_names_and_namespaces()]

    def get_fully_qualified_node_names(self) -> list[str]:
        """Absolute names of all nodes that were discovered."""
        return [f"{namespace.rstrip('/')}/{name}" for name, namespace in self.get_node_names_and_namespaces()]

    def wait_for_node(self, fully_qualified_node_name: str, timeout: float) -> bool:
        """Wait until a node is there; False after so many seconds."""
        wanted = f"/{fully_qualified_node_name.lstrip('/')}"
        end = time.monotonic() + timeout
        while wanted not in self.get_fully_qualified_node_names():
            if time.monotonic() >= end:
                return False
            time.sleep(_POLL_S)
        return True

    def get_publishers_info_by_topic(self, topic_name: str, no_mangle: bool = False) -> list[TopicEndpointInfo]:
        """Node, type and policies of each publisher of a topic."""
        return self._describe(BUILTIN_PUBLICATIONS, TopicEndpointTypeEnum.PUBLISHER, topic_name, no_mangle)

    def get_subscriptions_info_by_topic(self, topic_name: str, no_mangle: bool = False) -> list[TopicEndpointInfo]:
        """Node, type and policies of each subscription of a topic."""
        return self._describe(BUILTIN_SUBSCRIPTIONS, TopicEndpointTypeEnum.SUBSCRIPTION, topic_name, no_mangle)

    def _describe(
        self, builtin_topic: int, kind: TopicEndpointTypeEnum, topic_name: str, no_mangle: bool
    ) -> list[TopicEndpointInfo]:
        dds_topic = topic_name if no_mangle else f"rt{self._resolve_known(topic_name, False)}"
        owner = self._context.graph_announcer.owner
        return [
            describe_endpoint(endpoint, owner(endpoint), kind) for endpoint in self._endpoints(builtin_topic, dds_topic)
        ]

    def count_publishers(self, topic_name: str) -> int:
        """How many publishers a topic has."""
        return len(self._endpoints(BUILTIN_PUBLICATIONS, f"rt{self._resolve_known(topic_name, False)}"))

    def count_subscribers(self, topic_name: str) -> int:
        """How many subscriptions a topic has."""
        return len(self._endpoints(BUILTIN_SUBSCRIPTIONS, f"rt{self._resolve_known(topic_name, False)}"))

    def count_clients(self, service_name: str) -> int:
        """How many clients a service has."""
        return len(self._endpoints(BUILTIN_PUBLICATIONS, f"rq{self._resolve_known(service_name, True)}Request"))

    def count_services(self, service_name: str) -> int:
        """How many servers a service has."""
        return len(self._endpoints(BUILTIN_SUBSCRIPTIONS, f"rq{self._resolve_known(service_name, True)}Request"))

    def _endpoints(self, builtin_topic: int, dds_topic: str) -> list[DiscoveredEndpoint]:
        endpoints = find_endpoints(self._context.participant, builtin_topic)
        return [endpoint for endpoint in endpoints if endpoint.topic_name == dds_topic]

    def _resolve_known(self, name: Any, is_service: bool) -> str:
        """The absolute name; for questions about the graph rclpy raises ValueError, not its name exceptions."""
        try:
            return self.resolve_service_name(name) if is_service else self.resolve_topic_name(name)
        except NameValidationException as error:
            raise ValueError(f"{'service' if is_service else 'topic'} name is invalid: {error}") from error
