"""`topic list`, and the verbs of the modules that read and publish."""

import argparse

from embedded_ros.commands.listing import add_list_arguments, print_names
from embedded_ros.commands.parsing import Verb
from embedded_ros.commands.session import open_session
from embedded_ros.commands.topic_publishing import PUB
from embedded_ros.commands.topic_reading import ECHO, HZ


def _list(options: argparse.Namespace) -> int:
    with open_session() as session:
        session.discover(options.spin_time)
        print_names(session.topics(), options)
    return 0


VERBS = {
    "list": Verb("List the topics.", lambda parser: add_list_arguments(parser, "topics"), _list),
    "echo": ECHO,
    "hz": HZ,
    "pub": PUB,
}
