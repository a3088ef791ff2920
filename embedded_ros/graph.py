"""Who else is there: topics, services and nodes that DDS discovery and ROS's own announcements tell of."""

import dataclasses
import threading
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple

from embedded_ros.dds_library import BUILTIN_PUBLICATIONS, BUILTIN_SUBSCRIPTIONS
from embedded_ros.discovery import DiscoveredEndpoint, find_endpoints
from embedded_ros.exceptions import NodeNameNonExistentError
from embedded_ros.interface_table import dds_type_name, ros_type_name, type_hash
from embedded_ros.message_classes import decode_body, encode_body, message_class
from embedded_ros.wire import Participant, RawReader, RawWriter, Sample, WireQos

_DISCOVERY_TOPIC = "ros_discovery_info"
_DISCOVERY_TYPE = "rmw_dds_common/msg/ParticipantEntitiesInfo"


class AnnouncedNode(NamedTuple):
    """A node as its process announces it; endpoints by the bytes of their ids."""

    name: str
    namespace: str
    endpoints: frozenset[bytes]


class NodeAnnouncer:
    """Tells other ROS processes which nodes a participant has and which readers and writers are theirs."""

    def __init__(self, participant: Participant):
        self._participant = participant
        self._lock = threading.Lock()
        self._nodes: dict[tuple[str, str], tuple[list[bytes], list[bytes]]] = {}
        topic = (participant, _DISCOVERY_TOPIC, dds_type_name(_DISCOVERY_TYPE))
        kept = WireQos(depth=1, transient_local=True, user_data=f"typehash={type_hash(_DISCOVERY_TYPE)};".encode())
        self._writer = RawWriter(*topic, kept)
        # Opened with the first node, so that names of others are there by the time somebody asks.
        self._reader = RawReader(*topic, dataclasses.replace(kept, depth=None))
        self._heard: dict[bytes, list[AnnouncedNode]] = {}

    def update(self, name: str, namespace: str, readers: list[bytes] | None, writers: list[bytes] | None) -> None:
        """Announce a node's readers and writers; None removes the node."""
        with self._lock:
            if readers is None or writers is None:
                self._nodes.pop((name, namespace), None)
            else:
                self._nodes[name, namespace] = (readers, writers)
            body = bytearray()
            encode_body(self._message(), body)
            self._writer.write(body)

    def _message(self) -> Any:
        def gid(guid: bytes) -> Any:
            return message_class("rmw_dds_common/msg/Gid")(data=guid)

        entities = [
            message_class("rmw_dds_common/msg/NodeEntitiesInfo")(
                node_namespace=namespace,
                node_name=name,
                reader_gid_seq=[gid(guid) for guid in readers],
                writer_gid_seq=[gid(guid) for guid in writers],
            )
            for (name, namespace), (readers, writers) in self._nodes.items()
        ]
        return message_class(_DISCOVERY_TYPE)(gid=gid(self._participant.guid()), node_entities_info_seq=entities)

    def nodes(self) -> list[AnnouncedNode]:
        """All nodes of all participants that are alive."""
        with self._lock:
            while (message := self._reader.take(_read_entities)) is not None:
                self._heard[bytes(message.gid.data)] = [_announced(node) for node in message.node_entities_info_seq]
            heard = list(self._heard.items())
        endpoints = find_endpoints(self._participant, BUILTIN_PUBLICATIONS)
        alive = {endpoint.participant_guid for endpoint in endpoints if endpoint.topic_name == _DISCOVERY_TOPIC}
        return [node for guid, nodes in heard if guid in alive for node in nodes]

    def owner(self, endpoint: DiscoveredEndpoint) -> tuple[str, str]:
        """Name and namespace of the node that an endpoint is of."""
        for node in self.nodes():
            if endpoint.guid in node.endpoints:
                return node.name, node.namespace
        return "_NODE_NAME_UNKNOWN_", "_NODE_NAMESPACE_UNKNOWN_"

    def endpoints_of(self, name: str, namespace: str, builtin_topic: int) -> list[DiscoveredEndpoint]:
        """The readers or writers of a node; NodeNameNonExistentError if it is not known."""
        owned = [node.endpoints for node in self.nodes() if (node.name, node.namespace) == (name, namespace)]
        if not owned:
            raise NodeNameNonExistentError(f"cannot get endpoints of node '{namespace.rstrip('/')}/{name}': not found")
        return [
            endpoint
            for endpoint in find_endpoints(self._participant, builtin_topic)
            if any(endpoint.guid in guids for guids in owned)
        ]


def _read_entities(sample: Sample) -> Any:
    return decode_body(message_class(_DISCOVERY_TYPE), sample.header, sample.body)


def _announced(node: Any) -> AnnouncedNode:
    gids = (bytes(gid.data) for gid in (*node.reader_gid_seq, *node.writer_gid_seq))
    return AnnouncedNode(node.node_name, node.node_namespace, frozenset(gids))


def all_endpoints(participant: Participant) -> list[DiscoveredEndpoint]:
    """Readers and writers of everybody."""
    return find_endpoints(participant, BUILTIN_PUBLICATIONS) + find_endpoints(participant, BUILTIN_SUBSCRIPTIONS)


def topic_names_and_types(
    endpoints: Iterable[DiscoveredEndpoint], no_demangle: bool = False
) -> list[tuple[str, list[str]]]:  # fmt: skip
    """Names and types of the topics among some endpoints; with `no_demangle` DDS's own."""
    found: dict[str, set[str]] = defaultdict(set)
    for endpoint in endpoints:
        if no_demangle:
            found[endpoint.topic_name].add(endpoint.type_name)
        elif endpoint.topic_name.startswith("rt/"):
            found[endpoint.topic_name[2:]].add(ros_type_name(endpoint.type_name))
    return sorted((name, sorted(types)) for name, types in found.items())


def service_names_and_types(endpoints: Iterable[DiscoveredEndpoint]) -> list[tuple[str, list[str]]]:
    """Names and types of the services whose requests some endpoints read (servers) or write (clients)."""
    found: dict[str, set[str]] = defaultdict(set)
    for endpoint in endpoints:
        if endpoint.topic_name.startswith("rq/") and endpoint.topic_name.endswith("Request"):
            found[endpoint.topic_name[2:-7]].add(ros_type_name(endpoint.type_name).removesuffix("_Request"))
    return sorted((name, sorted(types)) for name, types in found.items())
