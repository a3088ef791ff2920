"""Compiles the C programs of `peer/` against Debian's Cyclone DDS, and runs them."""

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from interface_definitions import all_definitions, with_parts
from interface_idl import idl_of
from json_printers import header_of_printers, source_of_printers

SOURCES = Path(__file__).resolve().parent / "peer"
PROGRAMS = ("planner_client", "planner_server", "cloud_returner")
INTERFACES = (
    "sensor_msgs/msg/PointCloud2",
    "std_msgs/msg/String",
    "funcgrasp_ros/srv/PlanGrasp_Request",
    "funcgrasp_ros/srv/PlanGrasp_Response",
)
NEEDED_PACKAGES = "gcc libc6-dev cyclonedds-dev cyclonedds-tools"
COMPILER = ("gcc", "-std=gnu11", "-O1", "-Wall", "-Wextra")
PATIENCE_S = 180.0
LOCALHOST = """<CycloneDDS><Domain Id="any"><General><AllowMulticast>false</AllowMulticast></General>
<Discovery><ParticipantIndex>auto</ParticipantIndex><MaxAutoParticipantIndex>32</MaxAutoParticipantIndex>
<Peers><Peer Address="localhost"/></Peers></Discovery></Domain></CycloneDDS>"""
SUBNET = """<CycloneDDS><Domain Id="any"><Discovery><ParticipantIndex>auto</ParticipantIndex>
<MaxAutoParticipantIndex>32</MaxAutoParticipantIndex></Discovery></Domain></CycloneDDS>"""
"""How ROS's middleware looks for nodes with these values of ROS_AUTOMATIC_DISCOVERY_RANGE; SUBNET is its default."""


def why_not_to_compile() -> str | None:
    """What is missing for `compile_programs` and how to get it; None if nothing is."""
    if shutil.which("gcc") and shutil.which("idlc"):
        command = [*COMPILER, "-fsyntax-only", "-xc", "-"]
        if subprocess.run(command, input=b"#include <dds/dds.h>\n", stderr=subprocess.DEVNULL).returncode == 0:
            return None
    return f"the C programs need a compiler and Cyclone DDS: sudo apt-get install {NEEDED_PACKAGES}"


def compile_programs(folder: Path) -> None:
    """Makes the programs in an empty folder; CalledProcessError with the compiler's words on stderr otherwise."""
    definitions = with_parts(INTERFACES, all_definitions())
    (folder / "interfaces.idl").write_text(idl_of(definitions))
    (folder / "json_printers.h").write_text(header_of_printers(definitions))
    (folder / "json_printers.c").write_text(source_of_printers(definitions))
    # ROS's middleware announces no type information either (-t).
    subprocess.run(["idlc", "-t", "-x", "final", "-f", "case-sensitive", "interfaces.idl"], cwd=folder, check=True)
    shared = [SOURCES / f"{name}.c" for name in ("ros_peer", "ros_service", "sample_inputs", "json_values")]
    objects = [f"{name}.o" for name in ("interfaces", "json_printers", *(path.stem for path in shared))]
    compiler = [*COMPILER, "-I", str(folder), "-I", str(SOURCES)]
    subprocess.run([*compiler, "-c", "interfaces.c", "json_printers.c", *shared], cwd=folder, check=True)
    for name in PROGRAMS:
        subprocess.run([*compiler, SOURCES / f"{name}.c", *objects, "-lddsc", "-o", name], cwd=folder, check=True)


class PeerProgram:
    """A running program, whose standard output is lines of JSON; `running` makes it."""

    def __init__(self, process: subprocess.Popen, output: IO[str], complaints: IO[str]):
        self._process, self._output, self._complaints = process, output, complaints

    def finish(self) -> list[tuple[str, Any]]:
        """What it has printed when it has ended: names and values. It must end in time and well."""
        status = self._process.wait(PATIENCE_S)
        for file in (self._output, self._complaints):
            file.seek(0)
        assert status == 0, self._complaints.read()
        lines = [json.loads(line) for line in self._output]
        return [(line["name"], line["value"]) for line in lines]


@contextlib.contextmanager
def running(path: Path, *arguments: object, network: str = LOCALHOST) -> Iterator[PeerProgram]:
    """A program that runs no longer than the `with` block; CYCLONEDDS_URI, if set, overrules `network`."""
    command = [path, *map(str, arguments)]
    environment = {"CYCLONEDDS_URI": network, **os.environ}
    # Files, because a pipe that nobody reads yet would stop the program.
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as complaints:
        process = subprocess.Popen(command, stdout=output, stderr=complaints, env=environment)
        try:
            yield PeerProgram(process, output, complaints)
        finally:
            process.kill()
            process.wait()
