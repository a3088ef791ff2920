"""Launch files: what they start, and that nothing is left when they end, however they end."""

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from script_process import ROOT, Script, wait_until

pytestmark = pytest.mark.ros

NODE = """\
#!/usr/bin/env python3
import os
import rclpy
from rclpy.executors import ExternalShutdownException

rclpy.init()
node = rclpy.create_node("unnamed")
speed = node.declare_parameter("speed", 0.0).value
label = node.declare_parameter("label", "").value
node.get_logger().info(f"{node.get_fully_qualified_name()} speed={speed} label={label!r}")
try:
    print("pid", os.getpid())
    rclpy.spin(node)
except (KeyboardInterrupt, ExternalShutdownException) as error:
    print("ended by", type(error).__name__)
"""

LAUNCH = """\
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, GroupAction, IncludeLaunchDescription
from launch.conditions import IfCondition, UnlessCondition
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import LifecycleNode, Node, PushRosNamespace
from launch_ros.parameter_descriptions import ParameterValue
from launch_ros.substitutions import FindPackageShare

def generate_launch_description():
    share = FindPackageShare("launch_pkg")
    return LaunchDescription([
        DeclareLaunchArgument("speed", default_value="1.5", description="metres per second"),
        DeclareLaunchArgument("mode", default_value="calm", choices=["calm", "wild"]),
        GroupAction([
            PushRosNamespace("robot"),
            Node(
                package="launch_pkg", executable="runner", name="renamed", namespace=LaunchConfiguration("mode"),
                output="screen", condition=IfCondition(LaunchConfiguration("start", default="true")),
                parameters=[
                    PathJoinSubstitution([share, "config", "params.yaml"]),
                    {"speed": LaunchConfiguration("speed"),
                     "label": ParameterValue(LaunchConfiguration("speed"), value_type=str)},
                ],
            ),
        ]),
        IncludeLaunchDescription(
            PythonLaunchDescriptionSource(PathJoinSubstitution([share, "launch", "inner.launch.py"])),
            launch_arguments={"who": "included"}.items(),
            condition=UnlessCondition(LaunchConfiguration("alone", default="false")),
        ),
    ])
"""

INNER = """\
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import LifecycleNode

def generate_launch_description():
    return LaunchDescription([
        DeclareLaunchArgument("who"),
        LifecycleNode(package="launch_pkg", executable="runner", name=LaunchConfiguration("who"), namespace="",
                      output="screen"),
    ])
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for folder in ("launch", "scripts", "config"):
        (tmp_path / folder).mkdir()
    (tmp_path / "package.xml").write_text("<package><name>launch_pkg</name></package>")
    (tmp_path / "scripts" / "runner").write_text(NODE)
    (tmp_path / "launch" / "outer.launch.py").write_text(LAUNCH)
    (tmp_path / "launch" / "inner.launch.py").write_text(INNER)
    (tmp_path / "config" / "params.yaml").write_text("/**: {ros__parameters: {speed: 9.0, label: from_file}}")
    monkeypatch.setenv("EMBEDDED_ROS_PACKAGE_PATH", str(tmp_path))
    return tmp_path


class Launcher(Script):
    """`python -m embedded_ros launch ...` as a process."""

    def __init__(self, arguments: tuple[str, ...]):
        starter = Path(__file__).with_name("embedded_ros_starter.py")
        super().__init__(starter, ("launch", *arguments))

    def pids(self, count: int) -> list[int]:
        """The processes that report themselves."""
        assert wait_until(lambda: len(self._pid_lines()) >= count, 60.0), self.lines
        return [int(line.split()[-1]) for line in self._pid_lines()]

    def _pid_lines(self) -> list[str]:
        return [line for line in list(self.lines) if "] pid " in line]


@pytest.fixture
def launch(domain: int, tmp_path: Path) -> Iterator[Callable[..., Launcher]]:
    started: list[Launcher] = []

    def start(*arguments: str) -> Launcher:
        started.append(Launcher(arguments))
        return started[-1]

    yield start
    for launcher in started:
        launcher.stop()


def is_running(pid: int) -> bool:
    status = Path(f"/proc/{pid}/stat")
    return status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] != "Z"


def test_substitutions_keep_the_type_that_yaml_gives_them(package: Path, launch) -> None:
    launcher = launch("launch_pkg", "outer.launch.py", "speed:=2", "alone:=true")
    launcher.wait_for_line("Trying to set parameter 'speed' to '2' of type 'INTEGER', expecting type 'DOUBLE'")
    assert launcher.wait() == 1


def test_parameters_and_namespaces(package: Path, launch) -> None:
    launcher = launch(str(package / "launch" / "outer.launch.py"), "speed:=2.5", "mode:=wild")
    pids = launcher.pids(2)
    first = launcher.wait_for_line("/robot/wild/renamed")
    assert first.startswith("[runner-1]")
    assert "speed=2.5 label='2.5'" in first
    second = launcher.wait_for_line("/included")
    assert second.startswith("[runner-2]")
    assert "speed=0.0 label=''" in second
    launcher.process.send_signal(signal.SIGINT)
    assert launcher.wait() == 0
    assert launcher.lines.count("[runner-1] ended by KeyboardInterrupt") == 1
    assert launcher.lines.count("[runner-2] ended by KeyboardInterrupt") == 1
    assert not any(is_running(pid) for pid in pids)


def test_a_killed_launcher_leaves_nothing_behind(
    package: Path, launch, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary_folder = tmp_path_factory.mktemp("temporary")
    monkeypatch.setenv("TMPDIR", str(temporary_folder))
    launcher = launch("launch_pkg", "outer.launch.py")
    pids = launcher.pids(2)
    # What is said in dictionaries reached the node by a file that no folder ever held.
    launcher.wait_for_line("speed=1.5 label='1.5'")
    os.kill(pids[0], signal.SIGKILL)
    launcher.wait_for_line("process has died")
    launcher.process.kill()
    launcher.wait()
    assert wait_until(lambda: not any(is_running(pid) for pid in pids), 30.0)
    assert list(temporary_folder.iterdir()) == []


def test_conditions(package: Path, launch) -> None:
    launcher = launch("launch_pkg", "outer.launch.py", "start:=false", "alone:=1")
    assert launcher.wait() == 0
    assert launcher.lines == []


STUBBORN = """\
from launch import LaunchDescription
from launch.actions import ExecuteProcess
import sys

IGNORE = '''
import os, signal, time
signal.signal(signal.SIGINT, signal.SIG_IGN); signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("pid", os.getpid()); time.sleep(60)
'''

def generate_launch_description():
    return LaunchDescription([ExecuteProcess(cmd=[sys.executable, "-c", IGNORE], name="stubborn", output="screen")])
"""


def test_a_stubborn_process_is_killed(tmp_path: Path, launch) -> None:
    path = tmp_path / "stubborn.launch.py"
    path.write_text(STUBBORN)
    launcher = launch(str(path), "sigterm_timeout:=0.3", "sigkill_timeout:=0.3")
    (pid,) = launcher.pids(1)
    launcher.process.send_signal(signal.SIGTERM)
    assert launcher.wait() == 0
    assert "[INFO] [launch]: shutting down: user interrupted with SIGTERM" in launcher.lines
    signals = [line for line in launcher.lines if "sending signal" in line and "stubborn" in line]
    assert [line.split("'")[1] for line in signals] == ["SIGINT", "SIGTERM", "SIGKILL"]
    assert not is_running(pid)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["mode:=frantic"], "Valid options are: ['calm', 'wild']"),
        (["start:=maybe"], "invalid condition expression"),
        (["speed"], "malformed launch argument 'speed'"),
    ],
)
def test_bad_arguments(package: Path, launch, arguments: list[str], text: str) -> None:
    launcher = launch("launch_pkg", "outer.launch.py", *arguments)
    assert launcher.wait() == 1
    assert any(text in line for line in launcher.lines), launcher.lines


def test_missing_required_argument_and_file(package: Path, launch) -> None:
    launcher = launch("launch_pkg", "inner.launch.py")
    assert launcher.wait() == 1
    launcher.wait_for_line("Required launch argument 'who'")
    missing = launch("launch_pkg", "absent.launch.py")
    assert missing.wait() == 1
    missing.wait_for_line("absent.launch.py' does not exist")


def test_show_args(package: Path, launch) -> None:
    launcher = launch("--show-args", "launch_pkg", "outer.launch.py")
    assert launcher.wait() == 0
    assert "    'speed':" in launcher.lines
    assert "        metres per second" in launcher.lines
    assert "        (default: '1.5')" in launcher.lines


def test_a_process_that_fails_shows_in_the_exit_status(tmp_path: Path, launch) -> None:
    path = tmp_path / "failing.launch.py"
    path.write_text(
        textwrap.dedent("""
            import sys
            from launch import LaunchDescription
            from launch.actions import ExecuteProcess

            def generate_launch_description():
                bad = ExecuteProcess(cmd=[sys.executable, "-c", "raise SystemExit(3)"], name="bad")
                return LaunchDescription([bad])
        """)
    )
    launcher = launch(str(path))
    assert launcher.wait() == 1
    launcher.wait_for_line("process has died [pid")


def test_run_passes_arguments_and_replaces_itself(package: Path, domain: int) -> None:
    command = [sys.executable, str(Path(__file__).with_name("embedded_ros_starter.py"))]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    arguments = ["run", "launch_pkg", "runner", "--ros-args", "-p", "speed:=4.0", "-r", "__node:=direct"]
    process = subprocess.Popen([*command, *arguments], env=environment, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == f"pid {process.pid}\n"
        process.send_signal(signal.SIGINT)
        assert "ended by KeyboardInterrupt" in process.communicate(timeout=60)[0]
    finally:
        process.kill()
        process.wait()
