"""Stands in for launch.actions."""

from embedded_ros.launch_actions import (
    DeclareLaunchArgument,
    EmitEvent,
    IncludeLaunchDescription,
    LogInfo,
    OpaqueFunction,
    RegisterEventHandler,
    SetEnvironmentVariable,
    SetLaunchConfiguration,
    Shutdown,
)
from embedded_ros.launch_processes import ExecuteProcess
from embedded_ros.launch_scopes import GroupAction
