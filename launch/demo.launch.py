"""Starts the planner and a recorded scene for it: `ros2 launch funcgrasp_ros demo.launch.py`."""

from pathlib import Path

from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
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
        parameters=[{"recording": ParameterValue(LaunchConfiguration("recording"), value_type=str)}],
    )
    return LaunchDescription(
        [
            DeclareLaunchArgument("recording", default_value="", description="MCAP file; empty: the package's scene"),
            IncludeLaunchDescription(PythonLaunchDescriptionSource(str(LAUNCH_FOLDER / "planner.launch.py"))),
            player,
        ]
    )
