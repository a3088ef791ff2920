"""What `topic list` and `service list` share."""

import argparse

from embedded_ros.commands.parsing import add_spin_time
from embedded_ros.commands.session import is_hidden


def add_list_arguments(parser: argparse.ArgumentParser, kind: str) -> None:
    """Add the options of a list of names with types; `kind` is "topics" or "services"."""
    parser.add_argument("-t", "--show-types", action="store_true", help="print the types too")
    parser.add_argument(
        "-c", f"--count-{kind}", dest="count", action="store_true", help="print only how many there are"
    )
    parser.add_argument(
        f"--include-hidden-{kind}", dest="include_hidden", action="store_true", help=f"list hidden {kind} too"
    )
    add_spin_time(parser)


def print_names(found: dict[str, list[str]], options: argparse.Namespace) -> None:
    """Print names and types, or how many there are."""
    shown = {name: types for name, types in found.items() if options.include_hidden or not is_hidden(name)}
    lines = [f"{name} [{', '.join(types)}]" if options.show_types else name for name, types in shown.items()]
    for line in [len(lines)] if options.count else lines:
        print(line)
