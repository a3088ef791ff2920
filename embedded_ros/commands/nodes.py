"""`node list`: who is on the graph."""

import argparse

from embedded_ros.commands.parsing import Verb, add_spin_time
from embedded_ros.commands.session import open_session


def _add_list_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-a", "--all", action="store_true", help="list hidden nodes too")
    parser.add_argument("-c", "--count-nodes", action="store_true", help="print only how many there are")
    add_spin_time(parser)


def _list(options: argparse.Namespace) -> int:
    with open_session() as session:
        session.discover(options.spin_time)
        names = session.nodes(options.all)
    for line in [len(names)] if options.count_nodes else names:
        print(line)
    return 0


VERBS = {"list": Verb("List the nodes.", _add_list_arguments, _list)}
