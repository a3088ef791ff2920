"""ROS 2's command line where ROS 2 is not installed: the syntax and the output are those of `ros2`.

  launch FILE | PACKAGE FILE [name:=value ...]  start a launch file; --show-args lists its arguments
  run PACKAGE EXECUTABLE [--ros-args ...]       start an executable of a package
  node list                                     the nodes
  topic list [-t]                               the topics [and their types]
  topic echo TOPIC [TYPE]                       messages as YAML; --once --field F --no-arr
  service list [-t]                             the services [and their types]
  service call NAME TYPE [YAML]                 call a service and print its response
  param list [NODE]                             the parameters
  param get NODE NAME                           a parameter's value
  param set NODE NAME VALUE                     set a parameter
  param describe NODE NAME ...                  type, description and limits of parameters
  lifecycle nodes                               the managed nodes
  lifecycle get NODE                            the state of a managed node
  lifecycle list NODE                           the transitions that are possible now
  lifecycle set NODE TRANSITION                 run a transition
  bag play BAG [--rate R] [--loop]              publish a recorded MCAP bag

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
from embedded_ros.commands.parsing import PROGRAM, refuse_verb, run_verb
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
    module = importlib.import_module(f"embedded_ros.commands.{_MODULES[command]}")
    if command in ("launch", "run"):
        return run_verb(command, getattr(module, command.upper()), rest)
    if not rest or rest[0] in _HELP:
        print(f"usage: {PROGRAM} {command} VERB ...\n")
        for name, verb in module.VERBS.items():
            print(f"  {name:10}{' '.join(verb.description.split())}")
        return 0 if rest else 2
    if rest[0] not in module.VERBS:
        refuse_verb(command, rest[0], module.VERBS)
    return run_verb(f"{command} {rest[0]}", module.VERBS[rest[0]], rest[1:])


def _extend_environment() -> None:
    """Let the processes that are started find the stand-in packages."""
    present = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    ours = [str(SITE_FOLDER), str(SOURCE_ROOT)]
    os.environ["PYTHONPATH"] = os.pathsep.join([*ours, *(entry for entry in present if entry not in ours)])


if __name__ == "__main__":
    sys.exit(main())
