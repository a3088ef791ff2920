"""Who else is there: topics, services and nodes that DDS discovery and ROS's own announcements tell of."""

import threading
from collections import defaultdict
from typing import Any

from embedded_ros.dds_library import BUILTIN_PUBLICATIONS, BUILTIN_SUBSCRIPTIONS
from embedded_ros.interface_table import ros_type_name, type_hash
from embedded_ros.message_classes import decode_body, encode_body, message_class
from embedded_ros.wire import DiscoveredEndpoint, Participant, RawReader, RawWriter, WireQos

_DISCOVERY_TOPIC = "ros_discovery_info"
_DISCOVERY_TYPE = "rmw_dds_common/msg/ParticipantEntitiesInfo"
_DISCOVERY_DDS_TYPE = "rmw_dds_common::msg::dds_::ParticipantEntitiesInfo_"


class NodeAnnouncer:
    """Tells other ROS processes which nodes a participant has and which readers and writers are theirs."""

    def __init__(self, participant: Participant):
        self._participant = participant
        self._lock = threading.Lock()
        self._nodes: dict[tuple[str, str], tuple[list[bytes], list[bytes]]] = {}
        user_data = f"typehash={type_hash(_DISCOVERY_TYPE)};".encode()
        self._writer = RawWriter(
            participant, _DISCOVERY_TOPIC, _DISCOVERY_DDS_TYPE,
            WireQos(depth=1, transient_local=True, user_data=user_data),
        )  # fmt: skip
        # Opened with the first node, so that names of others are there by the time somebody asks.
        self._reader = RawReader(
            participant, _DISCOVERY_TOPIC, _DISCOVERY_DDS_TYPE,
            WireQos(depth=None, transient_local=True, user_data=user_data),
        )  # fmt: skip
        self._heard: dict[bytes, list[tuple[str, str]]] = {}

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

    def node_names(self) -> list[tuple[str, str]]:
        """(name, namespace) of all nodes of all participants that are alive."""
        with self._lock:
            while (sample := self._reader.take()) is not None:
                message = decode_body(message_class(_DISCOVERY_TYPE), sample.header, sample.body)
                self._heard[bytes(message.gid.data)] = [
                    (node.node_name, node.node_namespace) for node in message.node_entities_info_seq
                ]
        endpoints = self._participant.endpoints(BUILTIN_PUBLICATIONS)
        alive = {endpoint.participant_guid for endpoint in endpoints if endpoint.topic_name == _DISCOVERY_TOPIC}
        return [node for guid, nodes in self._heard.items() if guid in alive for node in nodes]


def _all_endpoints(participant: Participant) -> list[DiscoveredEndpoint]:
    return participant.endpoints(BUILTIN_PUBLICATIONS) + participant.endpoints(BUILTIN_SUBSCRIPTIONS)


def topic_names_and_types(participant: Participant, no_demangle: bool = False) -> list[tuple[str, list[str]]]:
    """Names and types of all topics; with `no_demangle` DDS's own."""
    found: dict[str, set[str]] = defaultdict(set)
    for endpoint in _all_endpoints(participant):
        if no_demangle:
            found[endpoint.topic_name].add(endpoint.type_name)
        elif endpoint.topic_name.startswith("rt/"):
            found[endpoint.topic_name[2:]].add(ros_type_name(endpoint.type_name))
    return sorted((name, sorted(types)) for name, types in found.items())


def service_names_and_types(participant: Participant) -> list[tuple[str, list[str]]]:
    """Names and types of all services, of clients as well as of servers."""
    found: dict[str, set[str]] = defaultdict(set)
    for endpoint in _all_endpoints(participant):
        if endpoint.topic_name.startswith("rq/") and endpoint.topic_name.endswith("Request"):
            found[endpoint.topic_name[2:-7]].add(ros_type_name(endpoint.type_name).removesuffix("_Request"))
    return sorted((name, sorted(types)) for name, types in found.items())


def count_endpoints(participant: Participant, builtin_topic: int, dds_topic: str) -> int:
    """How many readers or writers a DDS topic has."""
    return sum(endpoint.topic_name == dds_topic for endpoint in participant.endpoints(builtin_topic))
