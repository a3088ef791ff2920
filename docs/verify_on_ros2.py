"""Tries the package on a ROS 2 install and writes docs/verified_on_ros2.md from what it saw.

    python docs/verify_on_ros2.py [--embedded-python .venv/bin/python] [--without-slow-tests]

Run it where ROS 2, colcon and the package's Python dependencies are on the path, as docs/ros.md sets them up, with the
extras `scene,eval,dev`. Every command must end with status 0 and print what is expected of it; the first that does not
ends the program, and the page stays as it was. `--embedded-python` is the interpreter of a checkout on which
`make setup` was run: with it the embedded runtime and ROS 2 talk to each other both ways.
"""

import argparse
import importlib.metadata
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from demo.child_processes import ChildProcess  # noqa: E402

PAGE = ROOT / "docs" / "verified_on_ros2.md"
INTRODUCTION = """# Tried on ROS 2

Commands and what they printed, shortened; written by `python docs/verify_on_ros2.py`, which fails unless every one of
them does what is expected. `~/ws` is a colcon workspace with this repository at `src/funcgrasp`, set up as
[ros.md](ros.md) says, and its `install/setup.bash` is sourced."""

TEST_FOLDERS = "test/funcgrasp_ros test/demo test/interoperation"
ROS_PACKAGES = ("rclpy", "rmw_cyclonedds_cpp", "launch_ros", "ros2cli", "tf2_ros_py", "rosidl_generator_py")
PYTHON_PACKAGES = ("numpy", "torch", "colcon-core")
STEP_PATIENCE_S = 120.0
TESTS_PATIENCE_S = 3600.0
START_PATIENCE_S = 60.0
MAX_WIDTH = 180
DOMAIN = "83"

REQUEST = "'{request: {instruction: \"hold the mug\", num_candidates: 1}}'"
ANSWER = 'grep -oE "code=[0-9]+, message=(\'[^\']*\'|\\"[^\\"]*\\")"'
CALL = f"ros2 service call /plan_grasp funcgrasp_ros/srv/PlanGrasp {REQUEST} | {ANSWER}"


@dataclass(frozen=True)
class Step:
    """A command as a user types it.

    Attributes:
        command: for bash.
        expected: regular expression that the output matches somewhere.
        max_lines: of the output on the page.
        patience_s: after which the command counts as hung.
    """

    command: str
    expected: str
    max_lines: int = 8
    patience_s: float = STEP_PATIENCE_S


STEPS_WITH_PLANNER = (
    Step("ros2 node list", "/grasp_planner"),
    Step("ros2 lifecycle get /grasp_planner", "active"),
    Step("ros2 topic list", "/grasp_planner/markers", 40),
    Step(CALL, "code=1, message=.No cloud has arrived"),
    Step("ros2 param describe /grasp_planner num_candidates", "Max value: 256"),
    Step("ros2 param set /grasp_planner num_candidates 0", "out of range"),
    Step("ros2 param set /grasp_planner checkpoint other.safetensors", "clean up, set it, configure"),
    Step("ros2 param set /grasp_planner grasp_frames 2", "Set parameter successful"),
)
STEPS_WITH_SCENE = (
    Step("ros2 topic hz /object_cloud --window 10 & sleep 5; kill $!; wait", r"average rate: \d", 3),
    Step('ros2 run funcgrasp_ros plan_grasp "drink from the mug" --num-candidates 4', r"total \d"),
    Step(CALL, "code=0"),
    Step("ros2 topic echo --once /grasp_planner/markers", r"type: \d", 16),
    Step("ros2 topic echo --once /grasp_planner/contact_cloud --no-arr", "frame_id: table", 16),
    Step("timeout --signal INT 5 ros2 topic echo /tf_static | grep grasp_", "grasp_1/wrist"),
    Step("ros2 topic echo --once /diagnostics", "plans", 60),
    Step("ros2 lifecycle set /grasp_planner deactivate", "Transitioning successful"),
    Step(CALL, "code=13"),
    Step("ros2 lifecycle set /grasp_planner cleanup", "Transitioning successful"),
    Step("ros2 lifecycle set /grasp_planner configure", "Transitioning successful"),
    Step("ros2 lifecycle set /grasp_planner activate", "Transitioning successful"),
    Step('ros2 run funcgrasp_ros plan_grasp "hold the mug" --num-candidates 2', r"total \d"),
)
STEPS_ACROSS = (
    Step("{ros} node list", "/grasp_planner"),
    Step("{ros} lifecycle get /grasp_planner", "active"),
    Step("{ros} param set /grasp_planner grasp_frames 1", "Set parameter successful"),
    Step("{ros} param get /grasp_planner num_candidates", "16"),
    Step("{ros} " + CALL.removeprefix("ros2 "), "code=0"),
    Step("{ros} topic echo --once /grasp_planner/markers", r"type: \d", 16),
)
"""Asked of a planner on one runtime by the other, whose command is {ros}."""


class Verification:
    """Runs commands in a workspace and keeps what they printed.

    Args:
        folder: for the workspaces; hidden from the page.
    """

    def __init__(self, folder: Path):
        self._folder = folder
        self._workspace = folder
        self._prefix = ""
        self.lines: list[str] = []

    def enter(self, name: str) -> None:
        """Makes a workspace that holds this checkout; later commands run there, after `install/setup.bash`."""
        self._workspace = self._folder / name
        (self._workspace / "src").mkdir(parents=True)
        (self._workspace / "src" / "funcgrasp").symlink_to(ROOT)
        self._prefix = "if [ -f install/setup.bash ]; then source install/setup.bash; fi; "

    def heading(self, text: str) -> None:
        """Begins a section."""
        print(f"\n# {text}", flush=True)
        self.lines += ["", f"## {text}", ""]

    def say(self, text: str) -> None:
        """Puts a paragraph on the page."""
        self.lines += [text, ""]

    def run(self, step: Step, embedded: str = "") -> None:
        """Runs a step and puts it on the page; ends the program if it did not do what was expected.

        Args:
            step: its output is kept.
            embedded: what a command that begins with the word `embedded` means.
        """
        print(f"$ {step.command}", flush=True)
        finished = subprocess.run(
            ["bash", "-c", self._prefix + _meant(step.command, embedded)],
            cwd=self._workspace,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=step.patience_s,
            check=False,
        )
        if finished.returncode or not re.search(step.expected, finished.stdout):
            sys.exit(f"{finished.stdout}\nstatus {finished.returncode}; expected to read: {step.expected}")
        self._show(step.command, finished.stdout, step.max_lines)

    @contextmanager
    def running(self, command: str, ready: str, embedded: str = "") -> Iterator[None]:
        """Keeps a program running; inside, its output has matched `ready`. `embedded`: as for `run`."""
        print(f"$ {command} &", flush=True)
        log_file = self._workspace / f"log_{len(self.lines)}.txt"
        shell = f"cd {self._workspace}; {self._prefix} exec {_meant(command, embedded)} > {log_file} 2>&1"
        with ChildProcess(["bash", "-c", shell]) as process:
            deadline_s = time.monotonic() + START_PATIENCE_S
            while not (log_file.exists() and re.search(ready, log_file.read_text())):
                if process.has_ended() or time.monotonic() > deadline_s:
                    sys.exit(f"{log_file.read_text()}\n{command}: does not say: {ready}")
                time.sleep(0.1)
            self._show(f"{command} &", log_file.read_text(), 8)
            yield
        said = log_file.read_text()
        if "Traceback" in said or "has died" in said:
            sys.exit(said)

    def _show(self, command: str, output: str, max_lines: int) -> None:
        lines = [line.rstrip()[:MAX_WIDTH] for line in self._without_places(output).splitlines()]
        lines = [line for line in lines if line and "log files can be found" not in line]
        if len(lines) > max_lines:
            lines = [*lines[: max_lines - 2], f"... ({len(lines) - max_lines + 1} lines)", lines[-1]]
        self.lines += ["```", f"$ {self._without_places(command)}", *lines, "```"]

    def _without_places(self, text: str) -> str:
        """The text without this machine's folders."""
        text = (
            text.replace(str(self._workspace), "~/ws").replace(str(self._folder), "~").replace(str(ROOT), "~/funcgrasp")
        )
        return text.replace(str(Path.home()), "~")


def _meant(command: str, embedded: str) -> str:
    return f"{embedded}{command.removeprefix('embedded')}" if command.startswith("embedded ") else command


def versions() -> list[str]:
    """Rows of the table of what was tried."""
    rows = ["| what | version |", "| --- | --- |", f"| system | {platform.freedesktop_os_release()['PRETTY_NAME']} |"]
    rows.append(f"| ROS_DISTRO | {os.environ.get('ROS_DISTRO') or 'built from sources, none set'} |")
    rows.append(f"| RMW_IMPLEMENTATION | {os.environ.get('RMW_IMPLEMENTATION', 'default')} |")
    for package in ROS_PACKAGES:
        command = ["ros2", "pkg", "xml", "-t", "version", package]
        rows.append(
            f"| {package} | {subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()} |"
        )
    rows.append(f"| Python | {platform.python_version()} |")
    return rows + [f"| {package} | {importlib.metadata.version(package)} |" for package in PYTHON_PACKAGES]


def try_everything(verification: Verification) -> None:
    """Builds both ways and takes the planner through its life."""
    verification.heading("Built by copy")
    verification.enter("copy")
    verification.run(Step("colcon build --packages-select funcgrasp_ros", "1 package finished", patience_s=600.0))
    with verification.running("ros2 launch funcgrasp_ros planner.launch.py", "Ready to plan"):
        for step in STEPS_WITH_PLANNER:
            verification.run(step)
        with verification.running("ros2 run funcgrasp_ros scene_player", "Playing"):
            for step in STEPS_WITH_SCENE:
                verification.run(step)
    verification.heading("Built with links, launched as the demo in a namespace")
    verification.enter("symlink")
    build = "colcon build --symlink-install --packages-select funcgrasp_ros"
    verification.run(Step(build, "1 package finished", patience_s=600.0))
    launch = "ros2 launch funcgrasp_ros demo.launch.py namespace:=cell grasp_frames:=1"
    with verification.running(launch, "Ready to plan"):
        verification.run(Step(CALL.replace("/plan_grasp", "/cell/plan_grasp"), "code=0"))
        verification.run(Step("timeout --signal INT 5 ros2 topic echo /tf_static | grep grasp_", "cell/grasp_0/wrist"))
    verification.run(Step("cd src/funcgrasp && python -m demo.run_demo", "hold the mug", 60))


def try_across(verification: Verification, embedded_python: Path) -> None:
    """Lets ROS 2 and the embedded runtime talk to each other."""
    verification.heading("ROS 2 and the embedded runtime")
    verification.say(
        "`embedded` stands for `python -m embedded_ros` in a checkout without ROS 2. First it asks a planner that runs "
        "on ROS 2, then `ros2` asks a planner that runs on the embedded runtime."
    )
    embedded = f"env -u AMENT_PREFIX_PATH PYTHONPATH={ROOT}:{ROOT}/embedded_ros/site {embedded_python} -m embedded_ros"
    commands = (("ros2", "embedded"), ("embedded", "ros2"))
    for of_planner, of_caller in commands:
        with (
            verification.running(f"{of_planner} launch {ROOT}/launch/planner.launch.py", "Ready", embedded=embedded),
            verification.running("ros2 run funcgrasp_ros scene_player", "Playing"),
        ):
            for step in STEPS_ACROSS:
                verification.run(replace(step, command=step.command.replace("{ros}", of_caller)), embedded=embedded)


def run_tests(verification: Verification, *, is_slow_too: bool) -> None:
    """Runs the tests that need nothing of the embedded runtime."""
    verification.heading("Tests")
    selections = ["not slow", "slow"] if is_slow_too else ["not slow"]
    for selection in selections:
        command = f'cd src/funcgrasp && python -m pytest -m "{selection}" -W ignore {TEST_FOLDERS} | tail -n 1'
        verification.run(Step(command, r"^\d+ passed(?!.*(failed|error))", patience_s=TESTS_PATIENCE_S))


def main() -> None:
    """Tries all, then writes the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--embedded-python", type=Path, help="interpreter of a checkout with make setup")
    parser.add_argument("--without-slow-tests", action="store_true", help="spare some ten minutes")
    arguments = parser.parse_args()
    os.environ["ROS_DOMAIN_ID"] = DOMAIN
    with tempfile.TemporaryDirectory() as folder:
        verification = Verification(Path(folder))
        verification.heading("What was tried")
        verification.lines += versions()
        try_everything(verification)
        if arguments.embedded_python:
            try_across(verification, arguments.embedded_python.absolute())
        run_tests(verification, is_slow_too=not arguments.without_slow_tests)
    PAGE.write_text("\n".join([INTRODUCTION, *verification.lines]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
