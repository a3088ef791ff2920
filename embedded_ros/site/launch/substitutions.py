"""Stands in for launch.substitutions."""

from embedded_ros.launch_substitutions import (
    EnvironmentVariable,
    LaunchConfiguration,
    PathJoinSubstitution,
    SubstitutionFailure,
    TextSubstitution,
    ThisLaunchFileDir,
)
