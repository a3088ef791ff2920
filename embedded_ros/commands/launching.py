"""`launch` and `run`: start what a package or a launch file describes."""

import argparse
import os
import sys
from pathlib import Path

from embedded_ros.commands.parsing import CommandError, Verb, what_exists
from embedded_ros.packages import find_executable, find_package


def _add_launch_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-s", "--show-args", action="store_true", help="list the arguments of the launch file")
    parser.add_argument(
        "target", nargs="+", metavar="FILE", help="a launch file, or a package and its file; then name:=value arguments"
    )


def _launch(options: argparse.Namespace) -> int:
    from embedded_ros.launch_actions import IncludeLaunchDescription, LaunchDescription, PythonLaunchDescriptionSource
    from embedded_ros.launch_service import LaunchService, parse_launch_arguments, show_arguments

    first, *rest = options.target
    path = Path(first)
    if rest and ":=" not in rest[0]:
        path, rest = _find_launch_file(first, rest[0]), rest[1:]
    elif not path.is_file():
        raise CommandError(f"the launch file '{path}' does not exist")
    include = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(str(path)), launch_arguments=parse_launch_arguments(rest)
    )
    description = LaunchDescription([include])
    if options.show_args:
        print(show_arguments(description))
        return 0
    service = LaunchService()
    service.include_launch_description(description)
    return service.run()


def _find_launch_file(package: str, file_name: str) -> Path:
    folder = find_package(package) / "launch"
    path = folder / file_name
    if not path.is_file():
        known = what_exists("launch files", (entry.name for entry in folder.glob("*.launch.py")))
        raise CommandError(f"the launch file '{path}' does not exist; {known}")
    return path


def _add_run_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("package_name")
    parser.add_argument("executable_name")
    parser.add_argument("argv", nargs=argparse.REMAINDER, help="handed to the executable, such as --ros-args -p x:=1")


def _run(options: argparse.Namespace) -> int:
    script = find_executable(options.package_name, options.executable_name)
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, str(script), *options.argv])


VERBS = {
    "launch": Verb(
        "Run a launch file until its processes end; Ctrl-C stops them in order.", _add_launch_arguments, _launch
    ),
    "run": Verb("Run an executable of a package.", _add_run_arguments, _run),
}
