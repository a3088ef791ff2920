"""`topic pub`: messages from YAML."""

import argparse
from typing import Any

from embedded_ros.commands.message_filling import fill_message, parse_values
from embedded_ros.commands.parsing import (
    CommandError,
    Verb,
    add_timeout,
    positive_integer,
    positive_number,
)
from embedded_ros.commands.qos_options import add_qos_options, profile_from_options
from embedded_ros.commands.session import Session, ends_at_interrupt, limit_of, open_session
from embedded_ros.commands.type_names import load_message_class
from embedded_ros.qos import qos_profile_default

_ACKNOWLEDGEMENT_TIMEOUT_S = 2.0
_LINGER_S = 0.1


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("topic_name", help="such as /instruction")
    parser.add_argument("message_type", help="such as std_msgs/msg/String")
    parser.add_argument(
        "values", nargs="?", default="{}",
        help="the message as YAML: '{field: value}'; a header may be 'auto', a time 'now' (default: {})",
    )  # fmt: skip
    times = parser.add_mutually_exclusive_group()
    times.add_argument("-1", "--once", action="store_true", help="publish one message and end")
    times.add_argument("-t", "--times", type=positive_integer, metavar="N", help="publish N messages and end")
    parser.add_argument(
        "-r", "--rate", type=positive_number, default=1.0, metavar="HZ", help="messages per second (default: 1)"
    )
    parser.add_argument(
        "-w", "--wait-matching-subscriptions", type=int, metavar="N",
        help="wait for N subscriptions first (default: 1 with --once or --times, else 0)",
    )  # fmt: skip
    add_qos_options(parser, "reliable, volatile, the last 10 messages")
    add_timeout(parser, "how long to wait for subscriptions (default: 5)")


def _pub(options: argparse.Namespace) -> int:
    message_class = load_message_class(options.message_type)
    values = parse_values(options.values)
    count = 1 if options.once else options.times
    wanted = options.wait_matching_subscriptions
    wanted = wanted if wanted is not None else int(count is not None)
    with ends_at_interrupt(count is None), open_session() as session:
        topic = session.topic_name(options.topic_name)
        # A wrong value is told before anything waits for subscriptions.
        fill_message(message_class(), values, session.node.get_clock().now().to_msg())
        profile = profile_from_options(options, qos_profile_default)
        publisher = session.node.create_publisher(message_class, topic, profile)
        _wait_for_subscriptions(session, publisher, wanted, options.timeout)
        print("publisher: beginning loop", flush=True)
        number = 0
        while count is None or number < count:
            if number:
                session.spin(1.0 / options.rate)
            number += 1
            message = message_class()
            fill_message(message, values, session.node.get_clock().now().to_msg())
            print(f"publishing #{number}: {message!r}\n", flush=True)
            publisher.publish(message)
        finish_sending(session, [publisher])
    return 0


def _wait_for_subscriptions(session: Session, publisher: Any, wanted: int, timeout_s: float | None) -> None:
    limit_s = limit_of(timeout_s)
    if wanted > publisher.get_subscription_count():
        print(f"Waiting for at least {wanted} matching subscription(s)...", flush=True)
    if session.wait_for(lambda: publisher.get_subscription_count() >= wanted or None, limit_s) is None:
        raise CommandError(
            f"'{publisher.topic_name}' got {publisher.get_subscription_count()} of {wanted} matching subscriptions "
            f"within {limit_s:g} s: nobody listens with this type and these policies; -w 0 publishes all the same"
        )


def finish_sending(session: Session, publishers: list[Any]) -> None:
    """Wait until reliable subscriptions have what was sent, and briefly for the others."""

    def is_acknowledged() -> bool | None:
        return all(publisher.raw.wait_for_acknowledgements(0) for publisher in publishers) or None

    session.wait_for(is_acknowledged, _ACKNOWLEDGEMENT_TIMEOUT_S)
    session.spin(_LINGER_S)


PUB = Verb(
    "Publish messages that are given as YAML, one a second until Ctrl-C unless told otherwise.", _add_arguments, _pub
)
