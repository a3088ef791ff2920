"""Starts the grasp planner: `ros2 launch funcgrasp_ros planner.launch.py [argument:=value ...]`."""

from pathlib import Path

from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.launch_context import LaunchContext
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import LifecycleNode
from launch_ros.parameter_descriptions import ParameterValue

from launch import LaunchDescription

# Beside this file in a checkout and in an installed share folder alike.
DEFAULT_PARAMETERS = Path(__file__).resolve().parent.parent / "config" / "planner.yaml"

LOG_LEVELS = ["debug", "info", "warn", "error", "fatal"]

# Arguments that are parameters of the node, and their types. Left empty they are not passed on, so that what the
# parameter file says, or a SetParameter of an including launch file, counts.
PARAMETERS = {
    "checkpoint": (str, "model file (.safetensors); without one: the package's"),
    "semantic_model": (str, "folder of the Qwen2.5-VL checkpoint, for model files that were trained with one"),
    "hand_file": (str, "hand model, such as MANO_RIGHT.pkl; without one: the package's reference hand"),
    "device": (str, "where the model runs: cpu, cuda or cuda:N"),
    "planning_frame": (str, "frame, z up, of the plans; without one: the frame that the cloud comes in"),
    "grasp_frames": (int, "how many of the best grasps become tf frames"),
    "autostart": (bool, "true: configure and activate at once; false: wait for a lifecycle manager"),
    "use_sim_time": (bool, "true: take the time from /clock"),
}


def generate_launch_description() -> LaunchDescription:
    return LaunchDescription(
        [
            DeclareLaunchArgument("namespace", default_value="", description="namespace of the node and its topics"),
            DeclareLaunchArgument(
                "params_file",
                default_value=str(DEFAULT_PARAMETERS),
                description="YAML file of the node's parameters; the arguments below overrule it",
            ),
            *(
                DeclareLaunchArgument(
                    name, default_value="", description=f"{description}. Empty: as the parameter file says"
                )
                for name, (_, description) in PARAMETERS.items()
            ),
            DeclareLaunchArgument(
                "log_level",
                default_value="info",
                choices=LOG_LEVELS,
                description="least severe messages shown",
            ),
            OpaqueFunction(function=start_planner),
        ]
    )


def start_planner(context: LaunchContext) -> list[LifecycleNode]:
    """The node, with the arguments that were given as parameters."""
    given = {
        name: ParameterValue(LaunchConfiguration(name), value_type=value_type)
        for name, (value_type, _) in PARAMETERS.items()
        if LaunchConfiguration(name).perform(context)
    }
    planner = LifecycleNode(
        package="funcgrasp_ros",
        executable="planner",
        name="grasp_planner",
        namespace=LaunchConfiguration("namespace"),
        output="screen",
        parameters=[LaunchConfiguration("params_file"), *([given] if given else [])],
        arguments=["--ros-args", "--log-level", LaunchConfiguration("log_level")],
    )
    return [planner]
