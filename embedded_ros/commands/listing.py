"""The verbs that list what is on the graph: nodes, topics, services."""

import argparse
from collections.abc import Callable

from embedded_ros.commands.parsing import Verb, add_spin_time
from embedded_ros.commands.session import Session, open_session
from embedded_ros.names import topic_or_service_is_hidden


def list_verb(kind: str, find: Callable[[Session], dict[str, list[str]]], has_types: bool = True) -> Verb:
    """A verb that lists what `find` gives, names with their types; hidden names are left out."""

    def add_arguments(parser: argparse.ArgumentParser) -> None:
        if has_types:
            parser.add_argument("-t", "--show-types", action="store_true", help="print the types too")
        add_spin_time(parser)

    def run(options: argparse.Namespace) -> int:
        with open_session() as session:
            session.discover(options.spin_time)
            found = find(session)
        for name, types in found.items():
            if not topic_or_service_is_hidden(name):
                print(f"{name} [{', '.join(types)}]" if has_types and options.show_types else name)
        return 0

    return Verb(f"List the {kind}.", add_arguments, run)
