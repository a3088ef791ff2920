"""Starts RViz with the planner's view: `ros2 launch funcgrasp_ros rviz.launch.py [argument:=value ...]`."""

from pathlib import Path

from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.launch_context import LaunchContext
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

from launch import LaunchDescription

# Beside this file in a checkout and in an installed share folder alike.
DEFAULT_VIEW = Path(__file__).resolve().parent.parent / "rviz" / "planner.rviz"

# The view names its topics as they are without a namespace; these rules move them into RViz's own.
TOPICS = ("object_cloud", "camera_0/image", "grasp_planner/contact_cloud", "grasp_planner/markers")

LOG_LEVELS = ["debug", "info", "warn", "error", "fatal"]


def generate_launch_description() -> LaunchDescription:
    return LaunchDescription(
        [
            DeclareLaunchArgument("namespace", default_value="", description="namespace of the planner that is shown"),
            DeclareLaunchArgument("rviz_config", default_value=str(DEFAULT_VIEW), description="RViz view"),
            DeclareLaunchArgument(
                "fixed_frame", default_value="", description="frame that everything is shown in. Empty: the view's"
            ),
            DeclareLaunchArgument(
                "use_sim_time",
                default_value="",
                description="true: take the time from /clock. Empty: as an including launch file says, else false",
            ),
            DeclareLaunchArgument(
                "log_level", default_value="info", choices=LOG_LEVELS, description="least severe messages shown"
            ),
            OpaqueFunction(function=start_rviz),
        ]
    )


def start_rviz(context: LaunchContext) -> list[Node]:
    """RViz, with the arguments that were given."""
    fixed_frame = LaunchConfiguration("fixed_frame").perform(context)
    sim_time = {"use_sim_time": ParameterValue(LaunchConfiguration("use_sim_time"), value_type=bool)}
    is_sim_time_given = bool(LaunchConfiguration("use_sim_time").perform(context))
    rviz = Node(
        package="rviz2",
        executable="rviz2",
        name="grasp_rviz",
        namespace=LaunchConfiguration("namespace"),
        output="screen",
        parameters=[sim_time] if is_sim_time_given else [],
        remappings=[(f"/{topic}", topic) for topic in TOPICS],
        arguments=[
            *("-d", LaunchConfiguration("rviz_config")),
            *(("-f", fixed_frame) if fixed_frame else ()),
            *("--ros-args", "--log-level", LaunchConfiguration("log_level")),
        ],
    )
    return [rviz]
