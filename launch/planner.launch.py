"""Starts the grasp planner: `ros2 launch funcgrasp_ros planner.launch.py [argument:=value ...]`."""

from pathlib import Path

from launch.actions import DeclareLaunchArgument
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import LifecycleNode
from launch_ros.parameter_descriptions import ParameterValue

from launch import LaunchDescription

# Beside this file in a checkout and in an installed share folder alike.
DEFAULT_PARAMETERS = Path(__file__).resolve().parent.parent / "config" / "planner.yaml"

ARGUMENTS = (
    DeclareLaunchArgument("params_file", default_value=str(DEFAULT_PARAMETERS), description="YAML file of parameters"),
    DeclareLaunchArgument("namespace", default_value="", description="namespace of the node and its topics"),
    DeclareLaunchArgument("checkpoint", default_value="", description="model file; empty: the one of the package"),
    DeclareLaunchArgument("hand_file", default_value="", description="MANO file; empty: the package's reference hand"),
    DeclareLaunchArgument("device", default_value="cpu", description="where the model runs: cpu, cuda or cuda:N"),
    DeclareLaunchArgument("planning_frame", default_value="", description="frame of the plans; empty: the cloud's"),
    DeclareLaunchArgument("autostart", default_value="true", description="configure and activate at once"),
    DeclareLaunchArgument("use_sim_time", default_value="false", description="take the time from /clock"),
    DeclareLaunchArgument("log_level", default_value="info", description="debug, info, warn, error or fatal"),
)

TEXT_PARAMETERS = ("checkpoint", "hand_file", "device", "planning_frame")
SWITCH_PARAMETERS = ("autostart", "use_sim_time")


def generate_launch_description() -> LaunchDescription:
    # Arguments come after the file: they overrule it.
    overrides = {name: ParameterValue(LaunchConfiguration(name), value_type=str) for name in TEXT_PARAMETERS}
    overrides |= {name: ParameterValue(LaunchConfiguration(name), value_type=bool) for name in SWITCH_PARAMETERS}
    planner = LifecycleNode(
        package="funcgrasp_ros",
        executable="planner",
        name="grasp_planner",
        namespace=LaunchConfiguration("namespace"),
        output="screen",
        parameters=[LaunchConfiguration("params_file"), overrides],
        arguments=["--ros-args", "--log-level", LaunchConfiguration("log_level")],
    )
    return LaunchDescription([*ARGUMENTS, planner])
