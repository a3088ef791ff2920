"""`topic list` and `topic echo`."""

import argparse
from collections import deque
from typing import Any

from embedded_ros.commands.listing import list_verb
from embedded_ros.commands.message_text import TextLayout, message_to_yaml, select_field
from embedded_ros.commands.parsing import CommandError, Verb, add_timeout, positive_integer
from embedded_ros.commands.session import Session, ends_at_interrupt, open_session
from embedded_ros.commands.type_names import load_message_class
from embedded_ros.message_classes import Message
from embedded_ros.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

_DEPTH = 100


def _add_echo_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("topic_name", help="such as /grasp_planner/markers")
    parser.add_argument("message_type", nargs="?", help="with it, a topic that nobody publishes yet is waited for")
    parser.add_argument("--once", action="store_true", help="end after the first message")
    parser.add_argument("--field", metavar="FIELD", help="only this field, such as pose.position.x or grasps[0].score")
    parser.add_argument("--no-arr", action="store_true", help="print the type and length of arrays, not what they hold")
    parser.add_argument("-f", "--full-length", action="store_true", help="do not cut long arrays and texts")
    parser.add_argument(
        "-l", "--truncate-length", type=positive_integer, default=128, metavar="N",
        help="cut arrays and texts after N elements (default: 128)",
    )  # fmt: skip
    add_timeout(
        parser, "how long to wait for the topic (default: 5), and with --once for its message (default: for ever)"
    )


def _echo(options: argparse.Namespace) -> int:
    layout = TextLayout(None if options.full_length else options.truncate_length, options.no_arr)
    with ends_at_interrupt(not options.once), open_session() as session:
        topic = session.absolute_name(options.topic_name)
        message_class = load_message_class(options.message_type or session.find_topic(topic, options.timeout))
        received: deque[Message] = deque()
        profile = _profile_of_publishers(session, topic, message_class, options.timeout)
        session.node.create_subscription(message_class, topic, lambda message: received.append(message), profile)
        while True:
            limit_s = options.timeout if options.once else None
            if session.wait_for(lambda: received or None, limit_s) is None:
                raise CommandError(f"no message arrived on '{topic}' within {limit_s:g} s")
            while received:
                print(_text(received.popleft(), options.field, layout), end="---\n", flush=True)
                if options.once:
                    return 0
    return 0


def _text(message: Message, field: str | None, layout: TextLayout) -> str:
    value: Any = message if field is None else select_field(message, field)
    return message_to_yaml(value, layout) if isinstance(value, Message) else f"{value}\n"


def _profile_of_publishers(session: Session, topic: str, message_class: Any, timeout_s: float | None) -> QoSProfile:
    """Wait for publishers (for ever if the timeout is None) and ask for what they offer."""
    known = session.topics().get(topic)
    if known and message_class.FULL_NAME not in known:
        raise CommandError(f"topic '{topic}' is of type {', '.join(known)}, not {message_class.FULL_NAME}")
    publishers = session.wait_for(lambda: session.node.get_publishers_info_by_topic(topic) or None, timeout_s)
    if publishers is None:
        raise CommandError(f"nobody published '{topic}' within {timeout_s:g} s")
    offered = [publisher.qos_profile for publisher in publishers]
    is_reliable = all(profile.reliability == ReliabilityPolicy.RELIABLE for profile in offered)
    is_kept = all(profile.durability == DurabilityPolicy.TRANSIENT_LOCAL for profile in offered)
    return QoSProfile(
        depth=_DEPTH,
        reliability=ReliabilityPolicy.RELIABLE if is_reliable else ReliabilityPolicy.BEST_EFFORT,
        durability=DurabilityPolicy.TRANSIENT_LOCAL if is_kept else DurabilityPolicy.VOLATILE,
    )


VERBS = {
    "list": list_verb("topics", Session.topics),
    "echo": Verb(
        "Print the messages of a topic as YAML, each followed by a line '---', until Ctrl-C. The subscription asks\n"
        "for the policies that the publishers offer: kept (transient local) messages are shown, best effort is heard.",
        _add_echo_arguments,
        _echo,
    ),
}
