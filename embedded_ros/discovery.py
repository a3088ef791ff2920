"""What DDS discovery knows: the readers and writers of all participants."""

import ctypes as ct
from collections.abc import Iterator
from dataclasses import dataclass

from embedded_ros import dds_library as dds
from embedded_ros.dds_library import call, library
from embedded_ros.wire import Entity, Participant, WireQos

_READ_BATCH = 256
_NOT_READ_YET = 0x2 | 0x4 | 0x8 | 0x10
"""dds_read_mask: samples not read before, of any view state, of living instances."""


@dataclass(frozen=True)
class DiscoveredEndpoint:
    """A reader or writer, local or remote; its history depth is not announced."""

    guid: bytes
    participant_guid: bytes
    topic_name: str
    type_name: str
    user_data: dict[str, str]
    qos: WireQos


def find_endpoints(participant: Participant, builtin_topic: int) -> list[DiscoveredEndpoint]:
    """All readers or writers that are known now (BUILTIN_SUBSCRIPTIONS, BUILTIN_PUBLICATIONS)."""
    reader = Entity(call("dds_create_reader", participant.handle, builtin_topic, None, None))
    try:
        return list(_read_endpoints(reader))
    finally:
        reader.delete()


def _read_endpoints(reader: Entity) -> Iterator[DiscoveredEndpoint]:
    while True:
        pointers, infos = (ct.c_void_p * _READ_BATCH)(), (dds.SampleInfo * _READ_BATCH)()
        # A new reader of a built-in topic sees each endpoint once as "not read": loop until none is left.
        count = call("dds_read_mask", reader.handle, pointers, infos, _READ_BATCH, _READ_BATCH, _NOT_READ_YET)
        for pointer, info in zip(pointers[:count], infos[:count], strict=True):
            if info.valid_data:
                data = ct.cast(pointer, ct.POINTER(dds.EndpointData)).contents
                yield DiscoveredEndpoint(
                    bytes(data.guid), bytes(data.participant_guid), data.topic_name.decode(), data.type_name.decode(),
                    dds.read_user_data(data.qos), _read_qos(data.qos),
                )  # fmt: skip
        if count == 0:
            return
        call("dds_return_loan", reader.handle, pointers, count)


def _read_qos(qos: int) -> WireQos:
    def read_kind(name: str, *rest: object) -> int:
        # What is not transmitted has its default: best effort (unless it is a writer), volatile, automatic.
        kind = ct.c_int()
        return kind.value if getattr(library(), name)(qos, ct.byref(kind), *rest) else 0

    def read_duration(name: str, *before: object) -> int | None:
        duration = ct.c_int64(dds.INFINITE_NS)
        getattr(library(), name)(qos, *before, ct.byref(duration))
        return None if duration.value == dds.INFINITE_NS else duration.value

    return WireQos(
        depth=0,
        reliable=read_kind("dds_qget_reliability", None) == 1,
        transient_local=read_kind("dds_qget_durability") >= 1,
        deadline_ns=read_duration("dds_qget_deadline"),
        lifespan_ns=read_duration("dds_qget_lifespan"),
        manual_liveliness=read_kind("dds_qget_liveliness", None) == 2,
        lease_ns=read_duration("dds_qget_liveliness", None),
    )
