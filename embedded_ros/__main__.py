"""`python -m embedded_ros launch FILE [name:=value ...]` and `python -m embedded_ros run PACKAGE EXECUTABLE [...]`."""

import argparse
import os
import sys
from pathlib import Path

from embedded_ros import activate
from embedded_ros.packages import SITE_FOLDER, SOURCE_ROOT, find_executable, find_package


def main(arguments: list[str] | None = None) -> int:
    """Run a subcommand; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m embedded_ros", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    launch = commands.add_parser("launch", help="run a launch file")
    launch.add_argument("-s", "--show-args", action="store_true", help="list the arguments of the launch file")
    launch.add_argument("-n", "--noninteractive", action="store_true", help="accepted as ros2 launch accepts it")
    launch.add_argument("target", nargs="+", help="a launch file, or a package and the name of its launch file")
    run = commands.add_parser("run", help="run an executable of a package")
    run.add_argument("package")
    run.add_argument("executable")
    run.add_argument("arguments", nargs=argparse.REMAINDER)
    options = parser.parse_args(arguments)
    if not activate():
        print("ROS 2 is installed here: use ros2 launch and ros2 run.", file=sys.stderr)
        return 2
    _extend_environment()
    try:
        return _launch(options) if options.command == "launch" else _run(options)
    except (OSError, RuntimeError, KeyError) as error:
        print(f"{parser.prog}: {error}", file=sys.stderr)
        return 1


def _extend_environment() -> None:
    """Let the processes that are started find the stand-in packages."""
    present = [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]
    ours = [str(SITE_FOLDER), str(SOURCE_ROOT)]
    os.environ["PYTHONPATH"] = os.pathsep.join([*ours, *(entry for entry in present if entry not in ours)])


def _launch(options: argparse.Namespace) -> int:
    from embedded_ros.launch_actions import IncludeLaunchDescription, LaunchDescription, PythonLaunchDescriptionSource
    from embedded_ros.launch_service import LaunchService, parse_launch_arguments, show_arguments

    first, *rest = options.target
    path = Path(first)
    if rest and ":=" not in rest[0]:
        path, rest = find_package(first) / "launch" / rest[0], rest[1:]
    include = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(str(path)), launch_arguments=parse_launch_arguments(rest)
    )
    description = LaunchDescription([include])
    if options.show_args:
        print(show_arguments(description))
        return 0
    service = LaunchService(argv=rest, noninteractive=options.noninteractive)
    service.include_launch_description(description)
    return service.run()


def _run(options: argparse.Namespace) -> int:
    script = find_executable(options.package, options.executable)
    os.execv(sys.executable, [sys.executable, str(script), *options.arguments])


if __name__ == "__main__":
    sys.exit(main())
