"""Starts the planner and a recorded scene for it: `ros2 launch funcgrasp_ros demo.launch.py [argument:=value ...]`.

Takes every argument of planner.launch.py too.
"""

from pathlib import Path

from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.conditions import IfCondition
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

from launch import LaunchDescription

LAUNCH_FOLDER = Path(__file__).resolve().parent


def generate_launch_description() -> LaunchDescription:
    player = Node(
        package="funcgrasp_ros",
        executable="scene_player",
        name="scene_player",
        namespace=LaunchConfiguration("namespace"),
        output="screen",
        parameters=[
            {
                "recording": ParameterValue(LaunchConfiguration("recording"), value_type=str),
                "rate": ParameterValue(LaunchConfiguration("rate"), value_type=float),
            }
        ],
        arguments=["--ros-args", "--log-level", LaunchConfiguration("log_level")],
    )
    # The included files take the arguments that they share with this one from here.
    return LaunchDescription(
        [
            DeclareLaunchArgument("namespace", default_value="", description="namespace of all nodes and topics"),
            DeclareLaunchArgument("recording", default_value="", description="MCAP file. Empty: the package's scene"),
            DeclareLaunchArgument("rate", default_value="5.0", description="how often a second the scene is sent"),
            DeclareLaunchArgument(
                "grasp_frames", default_value="1", description="how many of the best grasps become tf frames"
            ),
            DeclareLaunchArgument(
                "log_level",
                default_value="info",
                choices=["debug", "info", "warn", "error", "fatal"],
                description="least severe messages shown",
            ),
            DeclareLaunchArgument(
                "rviz", default_value="false", choices=["true", "false"], description="show everything in RViz"
            ),
            _included("planner.launch.py"),
            player,
            _included("rviz.launch.py", condition=IfCondition(LaunchConfiguration("rviz"))),
        ]
    )


def _included(file_name: str, **options) -> IncludeLaunchDescription:
    return IncludeLaunchDescription(PythonLaunchDescriptionSource(str(LAUNCH_FOLDER / file_name)), **options)
