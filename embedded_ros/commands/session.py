"""One command's stay on the ROS graph: a hidden node, bounded waiting, and looking things up by name."""

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from embedded_ros import api
from embedded_ros.cdr import MalformedDataError
from embedded_ros.commands.parsing import DISCOVERY_TIMEOUT_S, CommandError, what_exists
from embedded_ros.exceptions import ExternalShutdownException, NameValidationException
from embedded_ros.message_classes import service_class
from embedded_ros.names import topic_or_service_is_hidden
from embedded_ros.node import Node
from embedded_ros.tasks import Future

_POLL_S = 0.05
_MAX_SPIN_TIMES = 10
_SERVER_GONE_S = 2.0
_Found = TypeVar("_Found")


@contextlib.contextmanager
def open_session() -> Iterator["Session"]:
    """Join the graph for one command; SIGINT and SIGTERM end it as KeyboardInterrupt."""
    api.init(args=[])
    try:
        node = Node(
            f"_ros2cli_{os.getpid()}", use_global_arguments=False, enable_rosout=False, start_parameter_services=False
        )
        yield Session(node)
    except ExternalShutdownException:
        raise KeyboardInterrupt from None
    except MalformedDataError as error:
        raise CommandError(f"what arrived is not of the type that was named: {error}") from error
    finally:
        api.try_shutdown()


def ends_at_interrupt(is_endless: bool) -> contextlib.AbstractContextManager:
    """Make Ctrl-C the proper end of a command that has no other; enter it before `open_session`."""
    return contextlib.suppress(KeyboardInterrupt) if is_endless else contextlib.nullcontext()


class Session:
    """A command's node and what a command does with it."""

    def __init__(self, node: Node):
        self.node = node

    def spin(self, seconds: float) -> None:
        """Run callbacks for so long."""
        self.wait_for(lambda: None, seconds)

    def wait_for(self, find: Callable[[], _Found | None], timeout_s: float | None) -> _Found | None:
        """Run callbacks until `find` gives something; None after the timeout. None as timeout waits for ever."""
        end = None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            found = find()
            if found is not None:
                return found
            left = _POLL_S if end is None else min(_POLL_S, end - time.monotonic())
            if left <= 0.0:
                return None
            api.spin_once(self.node, timeout_sec=left)

    def discover(self, spin_time_s: float) -> None:
        """Wait until nothing new was found for so long, at most ten times that."""
        limit = time.monotonic() + _MAX_SPIN_TIMES * spin_time_s
        known, quiet_since = None, time.monotonic()
        while time.monotonic() < min(quiet_since + spin_time_s, limit):
            api.spin_once(self.node, timeout_sec=_POLL_S)
            seen = (self.nodes(True), self.topics(), self.services())
            if seen != known:
                known, quiet_since = seen, time.monotonic()

    def nodes(self, include_hidden: bool = False) -> list[str]:
        """Absolute names of the nodes that were found, sorted."""
        names = sorted(self.node.get_fully_qualified_node_names())
        return [name for name in names if include_hidden or not name.rpartition("/")[2].startswith("_")]

    def topics(self) -> dict[str, list[str]]:
        """Topics that were found and their types."""
        return dict(self.node.get_topic_names_and_types())

    def services(self) -> dict[str, list[str]]:
        """Services that were found and their types."""
        return dict(self.node.get_service_names_and_types())

    def find_node(self, name: str, timeout_s: float | None) -> str:
        """The absolute name of a node that exists; CommandError with those that do after the timeout."""
        wanted = name if name.startswith("/") else f"/{name}"
        if self.wait_for(lambda: wanted in self.nodes(True) or None, limit_of(timeout_s)) is None:
            raise CommandError(f"Node not found: '{wanted}'; {what_exists('nodes', self.nodes())}")
        return wanted

    def absolute_name(self, name: str, is_service: bool = False) -> str:
        """The absolute name of a topic or service; CommandError if it is not a valid name."""
        try:
            return self.node.resolve_service_name(name) if is_service else self.node.resolve_topic_name(name)
        except (NameValidationException, ValueError) as error:
            raise CommandError(str(error)) from error

    def find_topic(self, topic: str, timeout_s: float | None) -> str:
        """The type of a topic that somebody publishes or subscribes to; CommandError with what there is instead."""
        types = self.wait_for(lambda: self.topics().get(topic), limit_of(timeout_s))
        if types is None:
            raise CommandError(
                f"topic '{topic}' does not appear to be published yet: give its type to wait for it; "
                + what_exists("topics", (name for name in self.topics() if not topic_or_service_is_hidden(name)))
            )
        if len(types) > 1:
            raise CommandError(f"topic '{topic}' has more than one type: {', '.join(types)}; name the one to use")
        return types[0]

    def call(self, service: str, type_name: str, request: Any, timeout_s: float | None) -> Any:
        """Call a service and return its response.

        `timeout_s` bounds the wait for the service (None: DISCOVERY_TIMEOUT_S) and, apart from that, the wait for the
        response (None: as long as the server is there).

        Raises:
            CommandError: no such service, another type, no response in time, or the server went away.
        """
        client = self.node.create_client(service_class(type_name), service)
        try:
            if self.wait_for(lambda: client.service_is_ready() or None, limit_of(timeout_s)) is None:
                raise CommandError(self._missing_service(service, type_name))
            future = client.call_async(request)
            self._wait_for_response(client, future, service, timeout_s)
            return future.result()
        finally:
            self.node.destroy_client(client)

    def call_node(self, node: str, package: str, service: str, timeout_s: float | None, **fields: Any) -> Any:
        """Call a service below a node's name, such as `get_state` of the type lifecycle_msgs/srv/GetState."""
        type_name = f"{package}/srv/{''.join(word.capitalize() for word in service.split('_'))}"
        return self.call(f"{node}/{service}", type_name, service_class(type_name).Request(**fields), timeout_s)

    def _wait_for_response(self, client: Any, future: Future, service: str, timeout_s: float | None) -> None:
        seen_at = time.monotonic()

        def is_over() -> bool | None:
            nonlocal seen_at
            now = time.monotonic()
            seen_at = now if client.service_is_ready() else seen_at
            return future.done() or now - seen_at > _SERVER_GONE_S or None

        if self.wait_for(is_over, timeout_s) is None:
            raise CommandError(f"'{service}' did not answer within {timeout_s:g} s; give a longer --timeout")
        if not future.done():
            raise CommandError(f"the server of '{service}' went away before it answered")

    def _missing_service(self, service: str, type_name: str) -> str:
        # The client that asks is found too: only another type tells of a server.
        others = [found for found in self.services().get(service, []) if found != type_name]
        if others:
            return f"service '{service}' is of type {', '.join(others)}, not {type_name}"
        known = (name for name in self.services() if name != service and not topic_or_service_is_hidden(name))
        return f"service '{service}' is not available; {what_exists('services', known)}"


def limit_of(timeout_s: float | None) -> float:
    """The seconds that `--timeout` gives, DISCOVERY_TIMEOUT_S without it."""
    return DISCOVERY_TIMEOUT_S if timeout_s is None else timeout_s
