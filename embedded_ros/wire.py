"""Participants, raw readers and writers and wait sets: bytes over DDS, no ROS above the topic names."""

import ctypes as ct
import os
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from embedded_ros import dds_library as dds
from embedded_ros.cdr import LITTLE_ENDIAN_HEADER
from embedded_ros.dds_library import call, library
from embedded_ros.errors import InvalidHandle, MiddlewareError, NotInSubsetError

_CONFIGURATION = """<CycloneDDS><Domain Id="any">%s
<Internal><SocketReceiveBufferSize max="16MB"/></Internal></Domain></CycloneDDS>"""
"""Pictures of several cameras come at once, and what finds the buffer full is lost. The kernel may allow less."""

_LOOPBACK_ONLY = """
<General><Interfaces><NetworkInterface name="lo" multicast="false"/></Interfaces>
<AllowMulticast>false</AllowMulticast><MaxMessageSize>65500B</MaxMessageSize></General>
<Discovery><ParticipantIndex>auto</ParticipantIndex><MaxAutoParticipantIndex>40</MaxAutoParticipantIndex>
<SPDPInterval>3s</SPDPInterval><InitialLocatorPruneDelay>inf</InitialLocatorPruneDelay>
<Peers><Peer Address="127.0.0.1"/></Peers></Discovery>"""
"""Calls at every place on this machine again and again: a ROS node whose discovery range is ROS's default, SUBNET, does
not call here itself, and may start later."""
_BLOCKING_TIME_NS = 10_000_000_000
_SERIALISED_DATA = 2
_READ_BATCH = 256
_Result = TypeVar("_Result")


@dataclass(frozen=True)
class WireQos:
    """The DDS policies of an endpoint.

    Attributes:
        depth: history depth; None keeps all.
        deadline_ns, lifespan_ns, lease_ns: None leaves the policy at its default.
        user_data: what ROS nodes read from discovery.
    """

    depth: int | None = 10
    reliable: bool = True
    transient_local: bool = False
    deadline_ns: int | None = None
    lifespan_ns: int | None = None
    manual_liveliness: bool = False
    lease_ns: int | None = None
    user_data: bytes = b""


@dataclass(frozen=True)
class Sample:
    """One received message: the 4-byte header, the body, which lies in the library's memory, and where it came from."""

    header: bytes
    body: memoryview
    source_timestamp_ns: int
    writer_handle: int


_domains: set[int] = set()
_domains_lock = threading.Lock()


def _open_domain(domain_id: int) -> None:
    """Configure a domain once per process; CYCLONEDDS_URI, if set, has the last word."""
    discovery_range = os.environ.get("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST").upper()
    if discovery_range == "OFF":
        raise NotInSubsetError("ROS_AUTOMATIC_DISCOVERY_RANGE=OFF", "use LOCALHOST or SUBNET")
    with _domains_lock:
        if domain_id in _domains or os.environ.get("CYCLONEDDS_URI"):
            return
        configuration = _CONFIGURATION % (_LOOPBACK_ONLY if discovery_range == "LOCALHOST" else "")
        call("dds_create_domain", domain_id, configuration.encode())
        _domains.add(domain_id)


class Entity:
    """Anything with a DDS handle; deleting twice does no harm."""

    def __init__(self, handle: int):
        self._handle = handle

    @property
    def handle(self) -> int:
        """The DDS handle; InvalidHandle once deleted."""
        if self._handle == 0:
            raise InvalidHandle(f"{type(self).__name__} was destroyed")
        return self._handle

    @property
    def exists(self) -> bool:
        """Whether it was not deleted."""
        return self._handle != 0

    def delete(self) -> None:
        """Delete the entity and its children."""
        handle, self._handle = self._handle, 0
        if handle:
            library().dds_delete(handle)

    def guid(self) -> bytes:
        """The 16 bytes that identify this entity on the network."""
        guid = (ct.c_uint8 * 16)()
        call("dds_get_guid", self.handle, guid)
        return bytes(guid)


class Endpoint(Entity):
    """A reader or writer, whose statuses can be waited for."""

    def watch(self, kinds: Iterable[dds.StatusKind]) -> None:
        """Let a wait set that waits for this endpoint be triggered by these statuses and no others."""
        call("dds_set_status_mask", self.handle, sum(1 << kind.bit for kind in kinds))

    def read_status(self, kind: dds.StatusKind) -> Any:
        """A status; the changes that it counts start anew."""
        status = kind.structure()
        call(kind.function, self.handle, ct.byref(status))
        return status


class Participant(Entity):
    """One process's presence in a domain; creates and owns all other entities."""

    def __init__(self, domain_id: int):
        _open_domain(domain_id)
        with _Qos(WireQos(user_data=b"enclave=/;"), "participant") as qos:
            super().__init__(call("dds_create_participant", domain_id, qos, None))
        self._topics: dict[tuple[str, str], int] = {}
        self._lock = threading.Lock()
        self._children: weakref.WeakSet[Entity] = weakref.WeakSet()

    def adopt(self, child: Entity) -> None:
        """Delete a reader or writer in order when the participant is deleted."""
        self._children.add(child)

    def delete(self) -> None:
        """Delete readers and writers, each when no thread uses it any more, then the participant."""
        for child in list(self._children):
            child.delete()
        super().delete()

    def topic(self, name: str, type_name: str) -> int:
        """The handle of a topic, created when first used."""
        with self._lock:
            if (name, type_name) not in self._topics:
                descriptor = dds.make_descriptor(type_name)
                with _Qos(WireQos(), "topic") as qos:
                    self._topics[name, type_name] = call(
                        "dds_create_topic", self.handle, ct.byref(descriptor), name.encode(), qos, None
                    )
            return self._topics[name, type_name]


class _Qos:
    """A dds_qos_t for the duration of a `with`."""

    def __init__(self, qos: WireQos, kind: str):
        self._qos, self._kind = qos, kind

    def __enter__(self) -> int:
        lib, wanted = library(), self._qos
        self._pointer = qos = lib.dds_create_qos()
        if wanted.user_data:
            lib.dds_qset_userdata(qos, wanted.user_data, len(wanted.user_data))
        if self._kind in ("participant", "topic"):
            return qos
        kind, depth = (0, wanted.depth) if wanted.depth is not None else (1, dds.UNLIMITED)
        lib.dds_qset_history(qos, kind, depth)
        lib.dds_qset_reliability(qos, int(wanted.reliable), _BLOCKING_TIME_NS if wanted.reliable else 0)
        lib.dds_qset_durability(qos, int(wanted.transient_local))
        if wanted.transient_local:
            lib.dds_qset_durability_service(qos, 0, kind, depth, dds.UNLIMITED, dds.UNLIMITED, dds.UNLIMITED)
        if wanted.deadline_ns is not None:
            lib.dds_qset_deadline(qos, wanted.deadline_ns)
        if wanted.lifespan_ns is not None and self._kind == "writer":
            lib.dds_qset_lifespan(qos, wanted.lifespan_ns)
        lease_ns = dds.INFINITE_NS if wanted.lease_ns is None else wanted.lease_ns
        lib.dds_qset_liveliness(qos, 2 if wanted.manual_liveliness else 0, lease_ns)
        lib.dds_qset_writer_data_lifecycle(qos, False)
        lib.dds_qset_data_representation(qos, 1, (ct.c_int16 * 1)(0))
        return qos

    def __exit__(self, *_: object) -> None:
        library().dds_delete_qos(self._pointer)


class RawWriter(Endpoint):
    """Writes CDR bytes to a topic."""

    def __init__(self, participant: Participant, topic: str, type_name: str, qos: WireQos):
        with _Qos(qos, "writer") as dds_qos:
            handle = call("dds_create_writer", participant.handle, participant.topic(topic, type_name), dds_qos, None)
        super().__init__(handle)
        sertype = ct.c_void_p()
        call("dds_get_entity_sertype", handle, ct.byref(sertype))
        self._sertype = sertype
        # The library frees what `_sertype` points to with the writer: no thread may be writing then.
        self._lock = threading.Lock()
        participant.adopt(self)
        self.watch([])

    def write(self, body: bytes | bytearray, header: bytes = LITTLE_ENDIAN_HEADER) -> None:
        """Send one message; a reliable writer may block while its readers catch up."""
        size = len(body)
        # DDS counts in words of four bytes; what is missing follows the body.
        tail = bytes(-size % 4)
        buffer = body if isinstance(body, bytearray) else bytearray(body)
        first = ct.c_char.from_buffer(buffer) if size else ct.c_char()
        views = (dds.BytesView * 3)(
            dds.BytesView(ct.cast(ct.c_char_p(header), ct.c_void_p), len(header)),
            dds.BytesView(ct.addressof(first), size),
            dds.BytesView(ct.cast(ct.c_char_p(tail), ct.c_void_p), len(tail)),
        )
        total = len(header) + size + len(tail)
        with self._lock:
            writer = self.handle
            serialised = library().ddsi_serdata_from_ser_iov(self._sertype, _SERIALISED_DATA, 3, views, total)
            if not serialised:
                raise MiddlewareError(f"the DDS library refused a message of {size} bytes")
            call("dds_writecdr", writer, serialised)

    def delete(self) -> None:
        """Delete the writer once no thread is writing."""
        with self._lock:
            super().delete()

    def num_matched(self) -> int:
        """How many readers receive from this writer now."""
        return self.read_status(dds.PUBLICATION_MATCHED).current

    def matched_user_data(self) -> Iterator[dict[str, str]]:
        """The user data of each matched reader."""
        for match in _matched_handles("dds_get_matched_subscriptions", self.handle):
            yield _endpoint_user_data("dds_get_matched_subscription_data", self.handle, match)

    def instance_handle(self) -> int:
        """The number by which the library names this writer."""
        handle = ct.c_uint64()
        call("dds_get_instance_handle", self.handle, ct.byref(handle))
        return handle.value

    def wait_for_acknowledgements(self, timeout_ns: int) -> bool:
        """Wait until all matched reliable readers have everything; False after the timeout."""
        return library().dds_wait_for_acks(self.handle, timeout_ns) == 0

    def assert_liveliness(self) -> None:
        """Say that this writer is alive."""
        call("dds_assert_liveliness", self.handle)


class RawReader(Endpoint):
    """Takes CDR bytes from a topic."""

    def __init__(self, participant: Participant, topic: str, type_name: str, qos: WireQos):
        with _Qos(qos, "reader") as dds_qos:
            handle = call("dds_create_reader", participant.handle, participant.topic(topic, type_name), dds_qos, None)
        super().__init__(handle)
        self.condition = call("dds_create_readcondition", handle, dds.ANY_STATE)
        # Messages lie in memory of the reader: no other thread may be reading when it is deleted.
        self._lock = threading.RLock()
        participant.adopt(self)
        self.watch([])

    def take(self, read: Callable[[Sample], _Result]) -> _Result | None:
        """What `read` makes of the next message, whose body ends when it returns; None when there is no message, or
        the reader was deleted.
        """
        serialised, info = ct.c_void_p(), dds.SampleInfo()
        with self._lock:
            while self.exists:
                taken = library().dds_takecdr(self.handle, ct.byref(serialised), 1, ct.byref(info), dds.ANY_STATE)
                if dds.check("dds_takecdr", taken) == 0:
                    break
                try:
                    if info.valid_data:
                        return _read_sample(serialised, info, read)
                finally:
                    library().ddsi_serdata_unref(serialised)
        return None

    def delete(self) -> None:
        """Delete the reader once no thread is reading."""
        with self._lock:
            super().delete()

    def num_matched(self) -> int:
        """How many writers this reader receives from now."""
        return self.read_status(dds.SUBSCRIPTION_MATCHED).current

    def writer_user_data(self, writer_handle: int) -> dict[str, str]:
        """The user data of a matched writer; empty when it is gone."""
        return _endpoint_user_data("dds_get_matched_publication_data", self.handle, writer_handle)


class WaitSet(Entity):
    """Waits for data on readers, and can be woken from other threads and signal handlers."""

    def __init__(self, participant: Participant):
        super().__init__(call("dds_create_waitset", participant.handle))
        self._guard = call("dds_create_guardcondition", participant.handle)
        call("dds_waitset_attach", self.handle, self._guard, 0)
        self._attached: dict[int, Any] = {}
        self._wake = library().dds_set_guardcondition

    def wake(self) -> None:
        """End the current or the next wait."""
        if self._handle:
            self._wake(self._guard, True)

    def wait(self, conditions: dict[int, Any], timeout_ns: int) -> list[Any]:
        """Wait for any of these conditions (handle -> what to return for it) to trigger; results keep their order."""
        for gone in self._attached.keys() - conditions.keys():
            library().dds_waitset_detach(self.handle, gone)
            del self._attached[gone]
        for new in conditions.keys() - self._attached.keys():
            # An entity may have been destroyed by another thread: it just does not trigger.
            if library().dds_waitset_attach(self.handle, new, new) == 0:
                self._attached[new] = conditions[new]
        triggered = (ct.c_ssize_t * (len(self._attached) + 1))()
        count = call("dds_waitset_wait", self.handle, triggered, len(triggered), max(0, timeout_ns))
        taken = ct.c_bool()
        library().dds_take_guardcondition(self._guard, ct.byref(taken))
        ready = set(triggered[: min(count, len(triggered))])
        return [result for handle, result in conditions.items() if handle in ready]

    def delete(self) -> None:
        """Delete the wait set and its guard condition."""
        super().delete()
        library().dds_delete(self._guard)


def _read_sample(serialised: ct.c_void_p, info: dds.SampleInfo, read: Callable[[Sample], _Result]) -> _Result:
    view = dds.BytesView()
    held = library().ddsi_serdata_to_ser_ref(serialised, 0, library().ddsi_serdata_size(serialised), ct.byref(view))
    try:
        data = dds.memory_at(view)
        return read(Sample(bytes(data[:4]), data[4:], info.source_timestamp, info.publication_handle))
    finally:
        library().ddsi_serdata_to_ser_unref(held, ct.byref(view))


def _matched_handles(function: str, handle: int) -> list[int]:
    handles = (ct.c_uint64 * _READ_BATCH)()
    count = call(function, handle, handles, _READ_BATCH)
    return list(handles[: min(count, _READ_BATCH)])


def _endpoint_user_data(function: str, handle: int, match: int) -> dict[str, str]:
    endpoint = getattr(library(), function)(handle, match)
    if not endpoint:
        return {}
    try:
        return dds.read_user_data(endpoint.contents.qos)
    finally:
        library().dds_builtintopic_free_endpoint(endpoint)
