"""Stands in for launch_ros.actions."""

from embedded_ros.launch_processes import LifecycleNode, Node
from embedded_ros.launch_scopes import PushRosNamespace, SetParameter, SetRemap
