"""Stands in for launch.substitutions."""

from embedded_ros.launch_substitutions import (
    LaunchConfiguration,
    PathJoinSubstitution,
    SubstitutionFailure,
    TextSubstitution,
)
