"""`bag play`: publishes a recorded MCAP bag."""

import argparse
import contextlib
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from embedded_ros.commands.parsing import CommandError, Verb, non_negative_seconds, positive_number
from embedded_ros.commands.session import Session, ends_at_interrupt, open_session
from embedded_ros.errors import NotInSubsetError
from embedded_ros.message_classes import message_class
from embedded_ros.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy

_SHORTEST_ROUND_S = 0.1
"""A bag whose messages bear one time would be repeated without a pause."""

_ACKNOWLEDGEMENT_TIMEOUT_S = 2.0
_LINGER_S = 0.1
_DEFAULT_DEPTH = 10
_KEPT_TOPICS = ("/tf_static", "/robot_description")
"""Listeners of these topics ask for kept messages, so a bag that does not tell its policies publishes them so."""


def _add_play_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("bag_path", type=Path, help="an MCAP file, or the folder of a bag that holds MCAP files")
    parser.add_argument(
        "-r", "--rate", type=positive_number, default=1.0, help="times as fast as recorded (default: 1)"
    )
    parser.add_argument("-l", "--loop", action="store_true", help="begin again at the end, until Ctrl-C")
    parser.add_argument("-d", "--delay", type=non_negative_seconds, default=1.0, metavar="SECONDS",
                        help="wait before the first message, for subscriptions to be found (default: 1)")  # fmt: skip
    parser.add_argument(
        "--clock", type=positive_number, nargs="?", const=40.0, metavar="HZ",
        help="publish the recording's time on /clock, for nodes with use_sim_time (40 times a second)",
    )  # fmt: skip


def _play(options: argparse.Namespace) -> int:
    with ends_at_interrupt(options.loop), _open_bag(options.bag_path) as reader, open_session() as session:
        publishers = _publishers(session, reader.connections)
        playable = [connection for connection in reader.connections if connection.topic in publishers]
        if not playable:
            raise CommandError(f"'{options.bag_path}' has no message of a type that is known here")
        first_ns = next((timestamp_ns for _, timestamp_ns, _ in _messages(reader, playable)), 0)
        clock = BagClock(session, first_ns, options.clock, options.rate) if options.clock else None
        session.spin(options.delay)
        while True:
            start = time.monotonic()
            if clock is not None:
                clock.start(start)
            for connection, timestamp_ns, data in _messages(reader, playable):
                _sleep_until(session, start + (timestamp_ns - first_ns) * 1e-9 / options.rate)
                publishers[connection.topic].publish(bytes(data))
            if not options.loop:
                break
            _sleep_until(session, start + _SHORTEST_ROUND_S / options.rate)
        _finish_sending(session, list(publishers.values()))
    return 0


class BagClock:
    """Publishes the time of the recording on `/clock`, for nodes with `use_sim_time`."""

    def __init__(self, session: Session, first_ns: int, frequency_hz: float, rate: float):
        self._first_ns, self._rate = first_ns, rate
        self._started_at: float | None = None
        self._clock_class = message_class("rosgraph_msgs/msg/Clock")
        self._publisher = session.node.create_publisher(self._clock_class, "/clock", QoSProfile(depth=1))
        session.node.create_timer(1.0 / frequency_hz, self._publish)

    def start(self, moment: float) -> None:
        """The first message is sent at this moment of the monotonic clock; until the first call the time stands."""
        self._started_at = moment
        self._publish()

    def _publish(self) -> None:
        elapsed_s = 0.0 if self._started_at is None else time.monotonic() - self._started_at
        message = self._clock_class()
        message.clock.sec, message.clock.nanosec = divmod(
            self._first_ns + int(elapsed_s * self._rate * 1e9), 1_000_000_000
        )
        self._publisher.publish(message)


@contextlib.contextmanager
def _open_bag(path: Path) -> Iterator[Any]:
    """A reader of rosbags' that is closed in the end; CommandError if the bag cannot be read."""
    from rosbags.rosbag2 import Reader
    from rosbags.rosbag2.storage_mcap import McapReader

    if not path.exists():
        raise CommandError(f"bag path '{path}' does not exist")
    if path.is_file() and path.suffix != ".mcap":
        raise NotInSubsetError(f"playing '{path.name}'", "only MCAP bags are played")
    try:
        reader = Reader(path) if path.is_dir() else McapReader(path)
        reader.open()
    except Exception as error:  # the reader trips over damaged files in many ways
        raise CommandError(f"the bag '{path}' cannot be read: {error}") from error
    with contextlib.closing(reader):
        yield reader


def _messages(reader: Any, connections: list[Any]) -> Iterator[tuple[Any, int, bytes]]:
    """(connection, time in nanoseconds, serialised message); CommandError where the bag is damaged."""
    try:
        yield from reader.messages(connections)
    except Exception as error:
        raise CommandError(f"the bag is damaged: {error}") from error


def _publishers(session: Session, connections: Iterable[Any]) -> dict[str, Any]:
    """A publisher for each topic; topics of unknown types are named on stderr and left out."""
    publishers: dict[str, Any] = {}
    for connection in connections:
        try:
            cls = message_class(connection.msgtype)
        except NotInSubsetError as error:
            print(f"Ignoring topic '{connection.topic}': {error}", file=sys.stderr)
            continue
        if connection.topic not in publishers:
            profile = _recorded_profile(connection)
            publishers[connection.topic] = session.node.create_publisher(cls, connection.topic, profile)
    return publishers


def _recorded_profile(connection: Any) -> QoSProfile:
    """The policies that the topic was recorded with, as far as they matter to late and slow subscriptions."""
    offered = connection.ext.offered_qos_profiles
    if not offered:
        is_kept = connection.topic in _KEPT_TOPICS
        durability = DurabilityPolicy.TRANSIENT_LOCAL if is_kept else DurabilityPolicy.VOLATILE
        return QoSProfile(depth=_DEFAULT_DEPTH, durability=durability)
    history, reliability, durability = (
        getattr(offered[0], policy).name for policy in ("history", "reliability", "durability")
    )
    return QoSProfile(
        history=HistoryPolicy.KEEP_ALL if history == "KEEP_ALL" else HistoryPolicy.KEEP_LAST,
        depth=max(1, min(offered[0].depth or _DEFAULT_DEPTH, 1000)),
        reliability=ReliabilityPolicy.BEST_EFFORT if reliability == "BEST_EFFORT" else ReliabilityPolicy.RELIABLE,
        durability=DurabilityPolicy[durability] if durability == "TRANSIENT_LOCAL" else DurabilityPolicy.VOLATILE,
    )


def _finish_sending(session: Session, publishers: list[Any]) -> None:
    """Wait until reliable subscriptions have what was sent, and briefly for the others."""

    def is_acknowledged() -> bool | None:
        return all(publisher.raw.wait_for_acknowledgements(0) for publisher in publishers) or None

    session.wait_for(is_acknowledged, _ACKNOWLEDGEMENT_TIMEOUT_S)
    session.spin(_LINGER_S)


def _sleep_until(session: Session, moment: float) -> None:
    """Wait for a moment of the monotonic clock; callbacks and signals are handled meanwhile."""
    left = moment - time.monotonic()
    if left > 0.0:
        session.spin(left)


VERBS = {
    "play": Verb(
        "Publish the messages of a bag at the pace of their recording, with the policies that it tells. Stamps stay\n"
        "as recorded: nodes that refuse old messages need --clock and their parameter use_sim_time.",
        _add_play_arguments,
        _play,
    )
}
