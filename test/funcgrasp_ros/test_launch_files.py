"""What the launch files start, alone and inside a bigger launch file."""

from pathlib import Path

import pytest
import yaml
from told_programs import ToldProgram, launch_told

from funcgrasp_ros.node_parameters import PLANNER_PARAMETERS

ROOT = Path(__file__).resolve().parents[2]
LAUNCH = ROOT / "launch"
PROGRAMS = {"funcgrasp_ros": ["planner", "scene_player"], "rviz2": ["rviz2"]}
FILE_PARAMETERS = yaml.safe_load((ROOT / "config" / "planner.yaml").read_text())["/**"]["ros__parameters"]

BIGGER = """
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, GroupAction, IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import PushRosNamespace, SetParameter, SetRemap

def generate_launch_description():
    def arm(name, **arguments):
        source = PythonLaunchDescriptionSource("{launch}/planner.launch.py")
        return GroupAction([
            PushRosNamespace(name),
            SetRemap("object_cloud", "camera/points"),
            IncludeLaunchDescription(source, launch_arguments=arguments.items()),
        ])

    return LaunchDescription([
        DeclareLaunchArgument("gpu", default_value="cuda:1"),
        SetParameter("use_sim_time", True),
        arm("left", namespace="grasping", device=LaunchConfiguration("gpu"), grasp_frames="2"),
        arm("right", params_file="{params}", log_level="debug"),
        IncludeLaunchDescription(
            PythonLaunchDescriptionSource("{launch}/rviz.launch.py"),
            launch_arguments={{"namespace": "/left/grasping", "fixed_frame": "world"}}.items(),
        ),
    ])
"""


@pytest.fixture
def told(tmp_path, monkeypatch):
    def launch(launch_file: Path, **arguments: str) -> list[ToldProgram]:
        return launch_told(launch_file, arguments, tmp_path, monkeypatch, PROGRAMS)

    return launch


def log_level(program: ToldProgram) -> str:
    return program.words[program.words.index("--log-level") + 1]


def test_the_planner_takes_its_parameters_from_the_file_unless_it_is_told_otherwise(told):
    (planner,) = told(LAUNCH / "planner.launch.py")
    assert (planner.program, planner.node) == ("planner", "/grasp_planner")
    assert planner.parameters == FILE_PARAMETERS
    assert log_level(planner) == "info"


def test_every_argument_reaches_the_planner_with_its_type(told, tmp_path):
    own_file = tmp_path / "own.yaml"
    own_file.write_text("/**:\n  ros__parameters: {device: cuda, num_threads: 3}\n")
    arguments = {
        "checkpoint": "123",
        "semantic_model": "/models/Qwen2.5-VL-3B-Instruct",
        "hand_file": "/hands/MANO_RIGHT.pkl",
        "device": "cuda:1",
        "planning_frame": "world",
        "grasp_frames": "4",
        "autostart": "false",
        "use_sim_time": "true",
    }
    (planner,) = told(
        LAUNCH / "planner.launch.py", params_file=str(own_file), namespace="left", log_level="warn", **arguments
    )
    assert planner.node == "/left/grasp_planner"
    assert log_level(planner) == "warn"
    given = arguments | {"grasp_frames": 4, "autostart": False, "use_sim_time": True}
    assert planner.parameters == {"num_threads": 3, **given}
    known = set(PLANNER_PARAMETERS) | {"use_sim_time"}
    assert set(given) <= known


def test_rviz_shows_the_planner_of_its_namespace(told):
    (rviz,) = told(LAUNCH / "rviz.launch.py", namespace="left")
    assert rviz.node.startswith("/left/")
    view = Path(rviz.words[rviz.words.index("-d") + 1])
    assert view == ROOT / "rviz" / "planner.rviz"
    assert "-f" not in rviz.words
    assert "use_sim_time" not in rviz.parameters
    displays = yaml.safe_load(view.read_text())["Visualization Manager"]["Displays"]
    shown = {display["Topic"]["Value"] for display in displays if "Topic" in display}
    # Without the slash a name is completed with the node's namespace.
    assert rviz.remappings == {topic: topic.lstrip("/") for topic in shown}


def test_the_demo_starts_planner_and_player_and_rviz_if_asked_for(told):
    player_rate, planner = "7.5", "/lab/grasp_planner"
    nodes = {
        program.node: program
        for program in told(LAUNCH / "demo.launch.py", namespace="lab", rate=player_rate, rviz="true")
    }
    assert set(nodes) == {planner, "/lab/scene_player", "/lab/grasp_rviz"}
    assert nodes["/lab/scene_player"].parameters == {"recording": "", "rate": 7.5}
    assert nodes[planner].parameters == FILE_PARAMETERS | {"grasp_frames": 1}


def test_without_being_asked_the_demo_starts_no_rviz(told):
    assert [program.program for program in told(LAUNCH / "demo.launch.py")] == ["planner", "scene_player"]


def test_a_bigger_launch_file_includes_ours_several_times(told, tmp_path):
    params = tmp_path / "right.yaml"
    params.write_text("/**:\n  ros__parameters: {planning_frame: world}\n")
    bigger = tmp_path / "bigger.launch.py"
    bigger.write_text(BIGGER.format(launch=LAUNCH, params=params))
    left, rviz, right = told(bigger)
    assert (left.node, right.node) == ("/left/grasping/grasp_planner", "/right/grasp_planner")
    assert left.parameters == FILE_PARAMETERS | {"device": "cuda:1", "grasp_frames": 2, "use_sim_time": True}
    assert right.parameters == {"planning_frame": "world", "use_sim_time": True}
    assert left.remappings == right.remappings == {"object_cloud": "camera/points"}
    assert (log_level(left), log_level(right)) == ("info", "debug")
    assert rviz.node == "/left/grasping/grasp_rviz"
    assert rviz.words[rviz.words.index("-f") + 1] == "world"
    assert rviz.parameters == {"use_sim_time": True}
