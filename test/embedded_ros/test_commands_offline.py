"""Commands that need no graph: definitions, help, and the naming of what is not offered."""

import importlib
import subprocess
import sys

import pytest

from embedded_ros.__main__ import _MODULES, main
from embedded_ros.commands.topic_reading import rate_report
from embedded_ros.packages import SOURCE_ROOT

INNER = "# nested comment\nfloat32 weight 1.5 # kg\n"
OUTER = """\
# The grasped thing.

uint8 MUG=1 # with a handle
string<=8 name "mug#1" # what it is called
Inner[<=2] parts
geometry_msgs/Point[2] box
---
bool ok
"""


@pytest.fixture
def package(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "package.xml").write_text("<package><name>show_pkg</name></package>")
    for folder in ("msg", "srv"):
        (tmp_path / folder).mkdir()
    (tmp_path / "msg" / "Inner.msg").write_text(INNER)
    (tmp_path / "srv" / "Outer.srv").write_text(OUTER)
    monkeypatch.setenv("EMBEDDED_ROS_PACKAGE_PATH", str(tmp_path))


POINT = "\tfloat64 x\n\tfloat64 y\n\tfloat64 z\n"


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (
            [],
            '# The grasped thing.\n\nuint8 MUG=1 # with a handle\nstring<=8 name "mug#1" # what it is called\n'
            f"Inner[<=2] parts\n\tfloat32 weight 1.5\ngeometry_msgs/Point[2] box\n{POINT}---\nbool ok\n",
        ),
        (
            ["--all-comments"],
            '# The grasped thing.\n\nuint8 MUG=1 # with a handle\nstring<=8 name "mug#1" # what it is called\n'
            "Inner[<=2] parts\n\t# nested comment\n\tfloat32 weight 1.5 # kg\n"
            f"geometry_msgs/Point[2] box\n{POINT}---\nbool ok\n",
        ),
        (
            ["--no-comments"],
            'uint8 MUG=1\nstring<=8 name "mug#1"\nInner[<=2] parts\n\tfloat32 weight 1.5\n'
            f"geometry_msgs/Point[2] box\n{POINT}---\nbool ok\n",
        ),
    ],
)
def test_definition_of_a_package(package, capsys, options: list[str], expected: str) -> None:
    assert main(["interface", "show", "show_pkg/srv/Outer", *options]) == 0
    assert capsys.readouterr().out == expected


def test_definition_of_a_standard_type(capsys) -> None:
    assert main(["interface", "show", "std_srvs/srv/SetBool"]) == 0
    assert capsys.readouterr().out == "bool data\n---\nbool success\nstring message\n"
    assert main(["interface", "show", "geometry_msgs/msg/PointStamped"]) == 0
    assert capsys.readouterr().out == (
        "std_msgs/Header header\n"
        "\tbuiltin_interfaces/Time stamp\n\t\tint32 sec\n\t\tuint32 nanosec\n\tstring frame_id\n"
        f"geometry_msgs/Point point\n{POINT}"
    )


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["interface", "show", "sensor_msgs/msg/Imag"], "the types of sensor_msgs/msg are: BatteryState"),
        (["interface", "show", "absent_pkg/msg/Thing"], "there are no types of absent_pkg/msg"),
        (["interface", "show", "Image"], "write it as std_msgs/msg/String"),
        (["interface", "show", "show_pkg/action/Grasp"], "actions are not in the embedded subset"),
        (["topic", "bw", "/x"], "'topic bw' is not in the embedded subset of ROS 2: topic offers list, echo, hz, pub"),
        (["action", "list"], "is not in the embedded subset of ROS 2: python -m embedded_ros offers launch, run, node"),
        (["topic", "echo", "/x", "--csv"], "--csv of 'python -m embedded_ros topic echo' is not in the embedded"),
        (["bag", "play", "absent.mcap"], "bag path 'absent.mcap' does not exist"),
        (["launch", "absent.launch.py"], "the launch file 'absent.launch.py' does not exist"),
        (["launch", "show_pkg", "absent.launch.py"], "does not exist; there are no launch files"),
        (["launch", "absent_pkg", "x.launch.py"], "package 'absent_pkg' not found"),
        (["run", "show_pkg", "absent"], "package 'show_pkg' has no executable 'absent'"),
    ],
)
def test_errors(package, capsys, arguments: list[str], text: str) -> None:
    assert main(arguments) == 1
    assert text in capsys.readouterr().err


def test_a_reader_that_has_enough_is_no_error() -> None:
    command = [sys.executable, "-m", "embedded_ros", "interface", "show", "sensor_msgs/msg/Image"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=SOURCE_ROOT)
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == b""
    assert process.wait(60.0) == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["topic", "echo"],
        ["topic", "echo", "/x", "std_msgs/msg/String", "more"],
        ["topic", "pub", "/x", "std_msgs/msg/String", "--rate", "0"],
        ["topic", "pub", "/x", "std_msgs/msg/String", "--once", "--times", "2"],
        ["topic", "hz", "/x", "--timeout", "-1"],
        ["topic", "hz", "/x", "--window", "0"],
    ],
)
def test_wrong_syntax(capsys, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert f"usage: python -m embedded_ros {arguments[0]} {arguments[1]}" in capsys.readouterr().err


def test_help_documents_every_command(capsys) -> None:
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    for command, module in _MODULES.items():
        verbs = getattr(importlib.import_module(f"embedded_ros.commands.{module}"), "VERBS", {"": None})
        for verb in verbs:
            assert f"  {command} {verb}".rstrip() + " " in text
        if command in ("launch", "run"):
            continue
        assert main([command, "--help"]) == 0
        listed = capsys.readouterr().out
        assert all(f"  {verb} " in listed for verb in verbs)


def test_rate_of_known_arrivals() -> None:
    assert rate_report([0.0, 0.1, 0.3]) == (
        "average rate: 6.667\n\tmin: 0.100s max: 0.200s std dev: 0.05000s window: 2"
    )
    assert rate_report([1.0, 1.0]).startswith("average rate: 0.000")
