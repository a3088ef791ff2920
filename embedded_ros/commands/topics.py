"""`topic list`, and the verbs of the modules that read and publish."""

import argparse

from embedded_ros.commands.parsing import Verb, add_spin_time
from embedded_ros.commands.session import is_hidden, open_session
from embedded_ros.commands.topic_publishing import PUB
from embedded_ros.commands.topic_reading import ECHO, HZ


def _add_list_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-t", "--show-types", action="store_true", help="print the types too")
    parser.add_argument("-c", "--count-topics", action="store_true", help="print only how many there are")
    parser.add_argument("--include-hidden-topics", action="store_true", help="list hidden topics too")
    add_spin_time(parser)


def _list(options: argparse.Namespace) -> int:
    with open_session() as session:
        session.discover(options.spin_time)
        found = session.topics()
    shown = {name: types for name, types in found.items() if options.include_hidden_topics or not is_hidden(name)}
    if options.count_topics:
        print(len(shown))
        return 0
    for name, types in shown.items():
        print(f"{name} [{', '.join(types)}]" if options.show_types else name)
    return 0


VERBS = {"list": Verb("List the topics.", _add_list_arguments, _list), "echo": ECHO, "hz": HZ, "pub": PUB}
