"""Stands in for launch.substitutions."""

from embedded_ros.errors import refuse_unknown_names
from embedded_ros.launch_substitutions import (
    EnvironmentVariable,
    LaunchConfiguration,
    PathJoinSubstitution,
    SubstitutionFailure,
    TextSubstitution,
    ThisLaunchFileDir,
)

__getattr__ = refuse_unknown_names(__name__)
