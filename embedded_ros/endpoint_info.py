"""What a node tells about a topic's publishers and subscriptions."""

from dataclasses import dataclass, field
from enum import IntEnum

from embedded_ros.discovery import DiscoveredEndpoint
from embedded_ros.interface_table import ros_type_name
from embedded_ros.qos import QoSPresetProfiles, QoSProfile, profile_of_wire


class TopicEndpointTypeEnum(IntEnum):
    """Which side of a topic an endpoint is."""

    INVALID = 0
    PUBLISHER = 1
    SUBSCRIPTION = 2


@dataclass(slots=True)
class TypeHash:
    """A hash of a type's definition; version 1 is RIHS01."""

    version: int = -1
    value: bytes = bytes(32)

    def __str__(self) -> str:
        return f"RIHS{self.version:02}_{self.value.hex()}" if self.version > 0 else "INVALID"


@dataclass
class TopicEndpointInfo:
    """One publisher or subscription of a topic."""

    node_name: str = ""
    node_namespace: str = ""
    topic_type: str = ""
    topic_type_hash: TypeHash = field(default_factory=TypeHash)
    endpoint_type: TopicEndpointTypeEnum = TopicEndpointTypeEnum.INVALID
    endpoint_gid: list[int] = field(default_factory=list)
    qos_profile: QoSProfile = field(default_factory=lambda: QoSPresetProfiles.UNKNOWN.value)

    def __str__(self) -> str:
        qos = self.qos_profile
        depth = f" ({qos.depth})" if qos.history.name == "KEEP_LAST" else ""
        lines = {
            "Node name": self.node_name,
            "Node namespace": self.node_namespace,
            "Topic type": self.topic_type,
            "Topic type hash": self.topic_type_hash,
            "Endpoint type": self.endpoint_type.name,
            "GID": ".".join(f"{byte:02x}" for byte in self.endpoint_gid),
            "QoS profile": None,
            "  Reliability": qos.reliability.name,
            "  History (Depth)": f"{qos.history.name}{depth}",
            "  Durability": qos.durability.name,
            "  Lifespan": qos.lifespan,
            "  Deadline": qos.deadline,
            "  Liveliness": qos.liveliness.name,
            "  Liveliness lease duration": qos.liveliness_lease_duration,
        }
        return "\n".join(f"{label}:" if value is None else f"{label}: {value}" for label, value in lines.items())


def describe_endpoint(
    endpoint: DiscoveredEndpoint, node: tuple[str, str], kind: TopicEndpointTypeEnum
) -> TopicEndpointInfo:  # fmt: skip
    """The description of an endpoint of a node (name, namespace)."""
    version, _, digest = endpoint.user_data.get("typehash", "").removeprefix("RIHS").partition("_")
    type_hash = TypeHash(int(version), bytes.fromhex(digest)) if digest else TypeHash()
    type_name, qos = ros_type_name(endpoint.type_name), profile_of_wire(endpoint.qos)
    return TopicEndpointInfo(*node, type_name, type_hash, kind, list(endpoint.guid), qos)
