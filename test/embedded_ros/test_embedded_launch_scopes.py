"""What users' launch files need when they include ours: scopes, remappings, conditions and functions.

The processes are small programs that print what they are told: no node is started.
"""

from pathlib import Path
from typing import Any

import pytest
from launch.actions import IncludeLaunchDescription
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution

from embedded_ros.launch_substitutions import LaunchContext
from launch import LaunchDescription, LaunchService

TELLER = """\
#!/usr/bin/env python3
import sys

words = sys.argv[1:]
for index, word in enumerate(words):
    if word == "--params-file":
        words[index : index + 2] = ["", "".join(open(words[index + 1]).read().split())]
print("told", *filter(None, words), flush=True)
"""

OURS = """\
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

def generate_launch_description():
    return LaunchDescription([
        DeclareLaunchArgument("namespace", default_value=""),
        DeclareLaunchArgument("device", default_value="cpu"),
        Node(package="scope_pkg", executable="teller", name="ours", namespace=LaunchConfiguration("namespace"),
             output="screen", parameters=[{"device": LaunchConfiguration("device")}],
             remappings=[("object_cloud", "own_cloud")]),
    ])
"""

USERS = """\
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, GroupAction, IncludeLaunchDescription, OpaqueFunction
from launch.conditions import IfCondition, UnlessCondition
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution, TextSubstitution
from launch_ros.actions import Node, PushRosNamespace, SetParameter, SetRemap
from launch_ros.substitutions import FindPackageShare

def ours(**arguments):
    share = FindPackageShare("scope_pkg")
    path = PathJoinSubstitution([share, "launch", [TextSubstitution(text="ours"), ".launch.py"]])
    return IncludeLaunchDescription(PythonLaunchDescriptionSource(path), launch_arguments=arguments.items())

def per_arm(context, prefix, count=0):
    names = LaunchConfiguration("arms").perform(context).split(",")
    return [
        GroupAction([PushRosNamespace([prefix, name]), ours(device=f"cuda:{index + count}")])
        for index, name in enumerate(names)
    ]

def generate_launch_description():
    after = Node(package="scope_pkg", executable="teller", name="after", output="screen",
                 condition=UnlessCondition(LaunchConfiguration("quiet")))
    return LaunchDescription([
        DeclareLaunchArgument("arms", default_value="left,right"),
        DeclareLaunchArgument("cell", default_value="cell"),
        DeclareLaunchArgument("quiet", default_value="false"),
        GroupAction(
            [PushRosNamespace(LaunchConfiguration("cell")), SetParameter("use_depth", True),
             SetRemap("object_cloud", "/shared/cloud"),
             OpaqueFunction(function=per_arm, args=["arm_"], kwargs={"count": 1})],
            condition=IfCondition("true"),
        ),
        GroupAction([ours(device="alone")]),
        after,
    ])
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for folder in ("launch", "scripts"):
        (tmp_path / folder).mkdir()
    (tmp_path / "package.xml").write_text("<package><name>scope_pkg</name></package>")
    (tmp_path / "scripts" / "teller").write_text(TELLER)
    (tmp_path / "launch" / "ours.launch.py").write_text(OURS)
    (tmp_path / "launch" / "users.launch.py").write_text(USERS)
    monkeypatch.setenv("EMBEDDED_ROS_PACKAGE_PATH", str(tmp_path))
    return tmp_path


def run(description: LaunchDescription, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """The lines that a launch prints; all its processes end by themselves."""
    service = LaunchService()
    service.include_launch_description(description)
    assert service.run() == 0, capsys.readouterr()
    return capsys.readouterr().out.splitlines()


def include(path: Any, **arguments: str) -> LaunchDescription:
    return LaunchDescription([IncludeLaunchDescription(path, launch_arguments=arguments.items())])


def told(lines: list[str]) -> dict[str, str]:
    """What each process was told, by the process's name."""
    return {line.split("]")[0].strip("["): line.partition("told ")[2] for line in lines if "] told " in line}


def test_scopes_of_a_users_launch_file(package: Path, capsys) -> None:
    lines = run(include(package / "launch" / "users.launch.py", cell="cell7"), capsys)
    left, right, alone, after = (text for _, text in sorted(told(lines).items(), key=lambda item: _number(item[0])))
    prefix = "--ros-args -r __node:=ours -r __ns:=/cell7/arm_"
    for text, arm, device in ((left, "left", "cuda:1"), (right, "right", "cuda:2")):
        assert text.startswith(f"{prefix}{arm} ")
        first, _, second = text.partition("/**:ros__parameters:")[2].partition(" /**:ros__parameters:")
        assert first == "use_depth:true"
        assert second == f"device:{device} -r object_cloud:=/shared/cloud -r object_cloud:=own_cloud"
    assert alone == "--ros-args -r __node:=ours /**:ros__parameters:device:alone -r object_cloud:=own_cloud"
    assert after == "--ros-args -r __node:=after"


def _number(process_name: str) -> int:
    return int(process_name.rpartition("-")[2])


def test_condition_of_an_argument(package: Path, capsys) -> None:
    lines = run(include(str(package / "launch" / "users.launch.py"), arms="third", quiet="true"), capsys)
    assert not any("__node:=after" in line for line in lines)
    assert any("__ns:=/cell/arm_third" in line for line in lines)


def test_arguments_of_included_files_are_shown_where_their_path_is_known(package: Path) -> None:
    from embedded_ros.launch_service import show_arguments

    text = show_arguments(include(package / "launch" / "users.launch.py"))
    assert "'arms':" in text
    assert "'namespace':" in text
    unknown = PathJoinSubstitution([LaunchConfiguration("robot"), "robot.launch.py"])
    assert "No arguments" in show_arguments(include(unknown))


def test_a_function_that_fails_ends_the_launch(capsys) -> None:
    from launch.actions import OpaqueFunction

    def fail(context: LaunchContext) -> None:
        raise RuntimeError(f"no robot called {LaunchConfiguration('robot', default='r2').perform(context)}")

    service = LaunchService()
    service.include_launch_description(LaunchDescription([OpaqueFunction(function=fail)]))
    assert service.run() == 1
    assert "no robot called r2" in capsys.readouterr().err
