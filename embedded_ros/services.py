"""Services and their clients."""

import dataclasses
import functools
import inspect
import itertools
import struct
import threading
import time
import uuid
from collections.abc import Callable
from typing import Any

from embedded_ros.callback_groups import CallbackGroup
from embedded_ros.cdr import MalformedDataError
from embedded_ros.errors import refuse_members
from embedded_ros.interface_table import dds_type_name, type_hash
from embedded_ros.message_classes import Message, decode_body, encode_body
from embedded_ros.qos import QoSProfile, dds_topic_name, wire_qos
from embedded_ros.tasks import Future
from embedded_ros.waitables import Waitable
from embedded_ros.wire import Participant, RawReader, RawWriter, Sample

_SERVICE_HEADER = struct.Struct("<Qq")
_CLIENT_MATCH_TIMEOUT_S = 0.1
_ANSWERS_TO_ALL_CLIENTS = 1000
"""A client's reader receives the answers to all clients: so many must not push out its own."""


class _ServiceEndpoint(Waitable):
    """Reader and writer of one side of a service, framed as ROS's middleware over Cyclone DDS frames them."""

    def __init__(
        self, node: Any, srv_type: Any, srv_name: str, qos_profile: QoSProfile, callback_group: CallbackGroup,
        is_client: bool,
    ):  # fmt: skip
        self.srv_type, self.srv_name, self.qos_profile = srv_type, srv_name, qos_profile
        self.callback_group = callback_group
        self.own_id = ".".join(f"{byte:x}" for byte in uuid.uuid4().bytes)
        side = "clientid" if is_client else "serviceid"
        user_data = f"{side}={self.own_id};typehash={type_hash(srv_type.FULL_NAME)};"
        participant: Participant = node.context.participant
        request = (dds_topic_name("rq", srv_name, qos_profile) + "Request", dds_type_name(srv_type.Request.FULL_NAME))
        response = (dds_topic_name("rr", srv_name, qos_profile) + "Reply", dds_type_name(srv_type.Response.FULL_NAME))
        outgoing, incoming = (request, response) if is_client else (response, request)
        reader_qos = wire_qos(qos_profile, user_data, is_writer=False)
        if is_client and reader_qos.depth is not None:
            reader_qos = dataclasses.replace(reader_qos, depth=max(reader_qos.depth, _ANSWERS_TO_ALL_CLIENTS))
        self.reader = RawReader(participant, *incoming, reader_qos)
        self.writer = RawWriter(participant, *outgoing, wire_qos(qos_profile, user_data, is_writer=True))
        self.wait_handle = self.reader.condition

    @property
    def service_name(self) -> str:
        """The absolute name."""
        return self.srv_name

    def _send(self, guid: int, sequence: int, message: Message) -> None:
        body = bytearray(_SERVICE_HEADER.pack(guid, sequence))
        encode_body(message, body)
        self.writer.write(body)

    def _read(self, cls: type[Message], only_for: int | None, sample: Sample) -> tuple[int, int, Any, int] | None:
        """Client, sequence number, message and the writer's handle; None if it is for another client."""
        if len(sample.body) < _SERVICE_HEADER.size:
            raise MalformedDataError(f"{cls.FULL_NAME}: {len(sample.body)} bytes are too few for a service's message")
        order = ">" if sample.header[:2] == b"\0\0" else "<"
        guid, sequence = struct.unpack_from(f"{order}Qq", sample.body)
        if only_for not in (None, guid):
            return None
        # The header's 16 bytes keep the alignment of what follows.
        message = decode_body(cls, sample.header, sample.body[_SERVICE_HEADER.size :])
        return guid, sequence, message, sample.writer_handle

    def destroy(self) -> None:
        """Stop serving or calling."""
        self.reader.delete()
        self.writer.delete()


class Service(_ServiceEndpoint):
    """Answers requests: its callback gets a request and an empty response and returns the response."""

    def __init__(
        self, node: Any, srv_type: Any, srv_name: str, callback: Callable[..., Any], callback_group: CallbackGroup,
        qos_profile: QoSProfile,
    ):  # fmt: skip
        super().__init__(node, srv_type, srv_name, qos_profile, callback_group, is_client=False)
        self.callback = callback
        self._known_clients: set[int] = set()

    def take(self, executor: Any) -> Callable[[], Any] | None:
        """The callback with the next request, and the sending of its response."""
        taken = self.reader.take(functools.partial(self._read, self.srv_type.Request, None))
        if taken is None:
            return None
        guid, sequence, request, writer_handle = taken

        async def answer() -> None:
            response = self.callback(request, self.srv_type.Response())
            if inspect.isawaitable(response):
                response = await response
            self.send_response(response, (guid, sequence, writer_handle))

        return answer

    def send_response(self, response: Any, header: tuple[int, int, int]) -> None:
        """Send a response to the client whose request had this header."""
        if not isinstance(response, self.srv_type.Response):
            raise TypeError(f"Service callback must return {self.srv_type.Response}, not {type(response)}")
        guid, sequence, writer_handle = header
        self._wait_for_client(writer_handle)
        self._send(guid, sequence, response)

    def _wait_for_client(self, writer_handle: int) -> None:
        """A response written before the client's reader is discovered would be lost: wait for it briefly."""
        if writer_handle in self._known_clients:
            return
        client_id = self.reader.writer_user_data(writer_handle).get("clientid")
        end = time.monotonic() + _CLIENT_MATCH_TIMEOUT_S
        while client_id is not None and time.monotonic() < end:
            if any(data.get("clientid") == client_id for data in self.writer.matched_user_data()):
                self._known_clients.add(writer_handle)
                return
            time.sleep(0.002)


class Client(_ServiceEndpoint):
    """Calls a service."""

    def __init__(
        self, node: Any, srv_type: Any, srv_name: str, qos_profile: QoSProfile, callback_group: CallbackGroup
    ):  # fmt: skip
        super().__init__(node, srv_type, srv_name, qos_profile, callback_group, is_client=True)
        self._context = node.context
        self._guid = self.writer.instance_handle()
        self._sequence = itertools.count(1)
        self._pending: dict[int, Future] = {}
        self._lock = threading.Lock()

    def take(self, executor: Any) -> Callable[[], Any] | None:
        """The setting of the result that a response brings; responses to other clients are passed over."""
        taken = self.reader.take(functools.partial(self._read, self.srv_type.Response, self._guid))
        if taken is None:
            return None
        with self._lock:
            future = self._pending.pop(taken[1], None)
        if future is None:
            return None
        future._set_executor(executor)
        return lambda: future.set_result(taken[2])

    def call_async(self, request: Any) -> Future:
        """Send a request; the future's result will be the response."""
        if not isinstance(request, self.srv_type.Request):
            raise TypeError(f"Expected {self.srv_type.Request}, got {type(request)}")
        future = Future()
        with self._lock:
            sequence = next(self._sequence)
            self._pending[sequence] = future
        self._send(self._guid, sequence, request)
        return future

    def call(self, request: Any, timeout_sec: float | None = None) -> Any:
        """Send a request and wait for the response, None after the timeout; another thread must spin the node."""
        event = threading.Event()
        future = self.call_async(request)
        future.add_done_callback(lambda _: event.set())
        if not event.wait(timeout_sec if timeout_sec is None or timeout_sec >= 0 else None):
            self.remove_pending_request(future)
        return future.result()

    def get_pending_request(self, sequence_number: int) -> Future:
        """The future of a request that was sent; KeyError if it was answered or forgotten."""
        return self._pending[sequence_number]

    def remove_pending_request(self, future: Future) -> None:
        """Forget a request: its response will be passed over."""
        with self._lock:
            self._pending = {sequence: other for sequence, other in self._pending.items() if other is not future}

    def service_is_ready(self) -> bool:
        """Whether a server is discovered in both directions."""
        return self.writer.num_matched() > 0 and self.reader.num_matched() > 0

    def wait_for_service(self, timeout_sec: float | None = None) -> bool:
        """Wait for a server; False after the timeout or at shutdown."""
        end = None if timeout_sec is None or timeout_sec < 0 else time.monotonic() + timeout_sec
        while self._context.ok() and not self.service_is_ready():
            if end is not None and time.monotonic() >= end:
                return False
            time.sleep(0.01)
        return self.service_is_ready()


refuse_members(_ServiceEndpoint, "configure_introspection")
