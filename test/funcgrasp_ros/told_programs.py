"""Launches files with programs in the nodes' places that write down what they are told."""

import itertools
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource

from launch import LaunchDescription, LaunchService

PROGRAM = """\
#!/usr/bin/env python3
import json, os, sys

words = sys.argv[1:]
files = [open(word).read() for before, word in zip(words, words[1:]) if before == "--params-file"]
told = {"program": os.path.basename(sys.argv[0]), "words": words, "files": files}
with open(os.path.join(os.environ["TOLD_FOLDER"], f"{os.getpid()}.json"), "w") as file:
    json.dump(told, file)
"""


@dataclass(frozen=True)
class ToldProgram:
    """What a launched program was told.

    Attributes:
        program: name of the executable.
        node: absolute name.
        parameters: of all parameter files, later ones overruling earlier ones.
        remappings: topic -> topic.
        words: all command-line arguments.
    """

    program: str
    node: str
    parameters: dict
    remappings: dict[str, str]
    words: list[str]


def launch_told(
    launch_file: Path, arguments: Mapping[str, str], folder: Path, monkeypatch, programs: Mapping[str, list[str]]
) -> list[ToldProgram]:
    """Launches a file, waits for its end and tells what its programs were told, ordered by the nodes' names.

    Args:
        launch_file: Python launch file.
        arguments: of the launch.
        folder: empty, for the programs and their notes.
        monkeypatch: pytest's.
        programs: names of executables by package, put before the packages that are installed.
    """
    packages = [_make_package(folder / package, package, names) for package, names in programs.items()]
    (folder / "told").mkdir()
    monkeypatch.setenv("TOLD_FOLDER", str(folder / "told"))
    for variable in ("EMBEDDED_ROS_PACKAGE_PATH", "AMENT_PREFIX_PATH"):
        before = [entry for entry in os.environ.get(variable, "").split(os.pathsep) if entry]
        monkeypatch.setenv(variable, os.pathsep.join([*map(str, packages), *before]))
    service = LaunchService(noninteractive=True)
    include = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(str(launch_file)), launch_arguments=list(arguments.items())
    )
    service.include_launch_description(LaunchDescription([include]))
    status = service.run()
    assert status == 0, "the launch failed; its output says why"
    told = [_read(yaml.safe_load(path.read_text())) for path in (folder / "told").iterdir()]
    return sorted(told, key=lambda program: program.node)


def _make_package(prefix: Path, package: str, names: list[str]) -> Path:
    """A folder that is an installed package to ROS, and a package's sources to its stand-in."""
    marker = prefix / "share" / "ament_index" / "resource_index" / "packages" / package
    marker.parent.mkdir(parents=True)
    marker.touch()
    (prefix / "package.xml").write_text(f"<package><name>{package}</name></package>")
    for folder in (prefix / "scripts", prefix / "lib" / package):
        folder.mkdir(parents=True)
        for name in names:
            (folder / name).write_text(PROGRAM)
            (folder / name).chmod(stat.S_IRWXU)
    return prefix


def _read(told: dict) -> ToldProgram:
    parameters: dict = {}
    for text in told["files"]:
        for section in yaml.safe_load(text).values():
            parameters |= section["ros__parameters"]
    rules = {}
    for option, word in itertools.pairwise(told["words"]):
        name, _, value = word.partition(":=")
        if option in ("-p", "--param"):
            parameters.setdefault(name, yaml.safe_load(value))
        elif option in ("-r", "--remap"):
            rules[name] = value
    namespace = rules.pop("__ns", "/").rstrip("/")
    node = f"{namespace}/{rules.pop('__node')}"
    return ToldProgram(told["program"], node, parameters, rules, told["words"])
