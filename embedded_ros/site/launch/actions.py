"""Stands in for launch.actions."""

from embedded_ros.launch_actions import DeclareLaunchArgument, IncludeLaunchDescription, OpaqueFunction
from embedded_ros.launch_processes import ExecuteProcess
from embedded_ros.launch_scopes import GroupAction
