"""Commands that need no graph: help, and the naming of what is not offered."""

import importlib
import subprocess
import sys

import pytest

from embedded_ros.__main__ import _MODULES, main
from embedded_ros.packages import SOURCE_ROOT


@pytest.fixture
def package(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "package.xml").write_text("<package><name>bare_pkg</name></package>")
    monkeypatch.setenv("EMBEDDED_ROS_PACKAGE_PATH", str(tmp_path))


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["topic", "bw", "/x"], "'topic bw' is not in the embedded subset of ROS 2: topic offers list, echo"),
        (["topic", "pub", "/x"], "'topic pub' is not in the embedded subset"),
        (["service", "call", "/x", "absent_pkg/srv/Thing"], "there are no types of absent_pkg/srv"),
        (["service", "call", "/x", "Thing"], "write it as std_srvs/srv/Trigger"),
        (["action", "list"], "is not in the embedded subset of ROS 2: python -m embedded_ros offers launch, run, node"),
        (["topic", "echo", "/x", "--csv"], "--csv of 'python -m embedded_ros topic echo' is not in the embedded"),
        (["bag", "play", "absent.mcap"], "bag path 'absent.mcap' does not exist"),
        (["launch", "absent.launch.py"], "the launch file 'absent.launch.py' does not exist"),
        (["launch", "bare_pkg", "absent.launch.py"], "does not exist; there are no launch files"),
        (["launch", "absent_pkg", "x.launch.py"], "package 'absent_pkg' not found"),
        (["run", "bare_pkg", "absent"], "package 'bare_pkg' has no executable 'absent'"),
    ],
)
def test_errors(package, capsys, arguments: list[str], text: str) -> None:
    assert main(arguments) == 1
    assert text in capsys.readouterr().err


def test_a_reader_that_has_enough_is_no_error() -> None:
    command = [sys.executable, "-m", "embedded_ros", "topic", "--help"]
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
        ["topic", "echo", "/x", "--timeout", "-1"],
        ["topic", "echo", "/x", "-l", "0"],
        ["bag", "play", "x", "--rate", "0"],
    ],
)
def test_wrong_syntax(capsys, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert f"usage: python -m embedded_ros {arguments[0]} {arguments[1]}" in capsys.readouterr().err


def test_help_lists_every_command(capsys) -> None:
    assert main(["--help"]) == 0
    text = capsys.readouterr().out
    for command, module in _MODULES.items():
        verbs = importlib.import_module(f"embedded_ros.commands.{module}").VERBS
        names = {command: command} if command in verbs else {verb: f"{command} {verb}" for verb in verbs}
        for verb, name in names.items():
            assert f"  {name} " in text
            assert verbs[verb].description.split(". ")[0] in text
        if command not in verbs:
            assert main([command, "--help"]) == 0
            listed = capsys.readouterr().out
            assert all(f"  {name} " in listed for name in names.values())
