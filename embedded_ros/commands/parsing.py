"""The grammar of the commands: what a verb is, the options that several share, and errors of the user."""

import argparse
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NoReturn

from embedded_ros.errors import NotInSubsetError

PROGRAM = "python -m embedded_ros"
DISCOVERY_TIMEOUT_S = 5.0
"""How long a command waits for what it was told to use, unless `--timeout` says otherwise."""

MAX_NAMES_IN_ERROR = 40


class CommandError(RuntimeError):
    """What was asked for cannot be done; the text says why and what there is instead."""


@dataclass(frozen=True)
class Verb:
    """One command.

    Attributes:
        description: one sentence or more, shown by `--help`.
        add_arguments: declares its arguments.
        run: does it; returns the exit status.
    """

    description: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace], int]


def run_verb(name: str, verb: Verb, arguments: list[str]) -> int:
    """Parse a verb's arguments and run it; returns the exit status.

    Raises:
        NotInSubsetError: an option is not offered.
        SystemExit: with status 2, after a message on stderr, for anything else that is wrong.
    """
    parser = argparse.ArgumentParser(
        prog=f"{PROGRAM} {name}", description=verb.description, allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    verb.add_arguments(parser)
    options, unknown = parser.parse_known_args(arguments)
    for argument in unknown:
        if argument.startswith("-"):
            raise NotInSubsetError(f"{argument} of '{parser.prog}'", "see --help for what is offered")
    if unknown:
        parser.error(f"unexpected arguments: {' '.join(unknown)}")
    return verb.run(options)


def refuse_verb(command: str, verb: str, offered: Iterable[str]) -> NoReturn:
    """Name a verb that ROS 2 may have and the subset has not."""
    raise NotInSubsetError(f"'{command} {verb}'", f"{command} offers {', '.join(offered)}")


def non_negative_seconds(text: str) -> float:
    """An option's value in seconds, 0 or more."""
    value = float(text)
    if not 0.0 <= value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not a number of seconds")
    return value


def positive_number(text: str) -> float:
    """An option's value, more than 0 and finite."""
    value = float(text)
    if not 0.0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} must be more than 0")
    return value


def positive_integer(text: str) -> int:
    """An option's value, at least 1."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} must be at least 1")
    return value


def add_timeout(parser: argparse.ArgumentParser, meaning: str) -> None:
    """Add `--timeout`; None, the default, stands for DISCOVERY_TIMEOUT_S where something is looked for."""
    parser.add_argument("--timeout", type=non_negative_seconds, metavar="SECONDS", help=meaning)


def add_spin_time(parser: argparse.ArgumentParser) -> None:
    """Add `--spin-time` to a command that lists what it finds."""
    parser.add_argument(
        "--spin-time", type=non_negative_seconds, default=1.0, metavar="SECONDS",
        help="look until nothing new was found for so long (default: 1.0)",
    )  # fmt: skip


def what_exists(kind: str, names: Iterable[str]) -> str:
    """The end of an error message: what could have been asked for."""
    found = sorted(set(names))
    if not found:
        return f"there are no {kind}"
    shown = ", ".join(found[:MAX_NAMES_IN_ERROR])
    rest = len(found) - MAX_NAMES_IN_ERROR
    return f"the {kind} are: {shown}" + (f" and {rest} more" if rest > 0 else "")
