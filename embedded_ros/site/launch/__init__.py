"""Stands in for ROS's launch."""

from embedded_ros.import_hooks import install_import_hooks
from embedded_ros.launch_actions import Action, LaunchDescription
from embedded_ros.launch_service import LaunchService
from embedded_ros.launch_substitutions import LaunchContext, Substitution, SubstitutionFailure

install_import_hooks(__name__)
