"""ROS 2's command line where ROS 2 is not installed: the syntax and the output are those of `ros2`.

`COMMAND [VERB] --help` lists the options. A command waits 5 seconds for the node, topic or service that it is told to
use, `--timeout` sets another limit; commands that list look as long as `--spin-time` says. ROS_DOMAIN_ID
chooses the domain.

Exit status: 0 done, 1 not done (stderr says why and what there is instead), 2 wrong syntax or ROS 2 is installed,
130 interrupted before it was done. Commands that go on until Ctrl-C are done then.
"""

import importlib
import os
import sys

from embedded_ros import activate
from embedded_ros.commands.parsing import PROGRAM, Verb, refuse_verb, run_verb
from embedded_ros.packages import SITE_FOLDER, SOURCE_ROOT

_MODULES = {
    "launch": "launching", "run": "launching", "node": "nodes", "topic": "topics", "service": "services",
    "param": "parameters", "lifecycle": "lifecycle", "bag": "bags",
}  # fmt: skip
_HELP = ("-h", "--help")
_INTERRUPTED = 130


def main(arguments: list[str] | None = None) -> int:
    """Run a command; returns the exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if not arguments or arguments[0] in _HELP:
        print(f"usage: {PROGRAM} COMMAND ...\n\n{__doc__}")
        for command in _MODULES:
            _print_verbs(command)
        return 0 if arguments else 2
    if not activate():
        print(f"ROS 2 is installed here: use ros2 {arguments[0]}.", file=sys.stderr)
        return 2
    _extend_environment()
    try:
        status = _dispatch(arguments)
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has enough; nothing may be written while Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (OSError, RuntimeError, KeyError) as error:
        print(f"{PROGRAM}: {error}", file=sys.stderr)
        return 1


def _dispatch(arguments: list[str]) -> int:
    command, *rest = arguments
    if command not in _MODULES:
        refuse_verb(PROGRAM, command, _MODULES)
    verbs = _verbs(command)
    if command in verbs:
        return run_verb(command, verbs[command], rest)
    if not rest or rest[0] in _HELP:
        print(f"usage: {PROGRAM} {command} VERB ...\n")
        _print_verbs(command)
        return 0 if rest else 2
    if rest[0] not in verbs:
        refuse_verb(command, rest[0], verbs)
    return run_verb(f"{command} {rest[0]}", verbs[rest[0]], rest[1:])


def _verbs(command: str) -> dict[str, Verb]:
    """The verbs of a command; `launch` and `run` are verbs themselves."""
    verbs = importlib.import_module(f"embedded_ros.commands.{_MODULES[command]}").VERBS
    return {command: verbs[command]} if command in verbs else verbs


def _print_verbs(command: str) -> None:
    for name, verb in _verbs(command).items():
        full_name = command if name == command else f"{command} {name}"
        print(f"  {full_name:17}{' '.join(verb.description.split()).split('. ')[0].rstrip('.')}.")


def _extend_environment() -> None:
    """Let the processes that are started find the stand-in packages."""
    present = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    ours = [str(SITE_FOLDER), str(SOURCE_ROOT)]
    os.environ["PYTHONPATH"] = os.pathsep.join([*ours, *(entry for entry in present if entry not in ours)])


if __name__ == "__main__":
    sys.exit(main())
