"""Keeps the node's settings in step with its parameters while it is configured, and refuses what cannot change then."""

import threading
from collections.abc import Callable, Sequence

from rcl_interfaces.msg import SetParametersResult
from rclpy.node import Node
from rclpy.parameter import Parameter

from funcgrasp_core.errors import FuncGraspError
from funcgrasp_ros.node_parameters import PLANNER_PARAMETERS, READ_WHEN, read_settings, setting_from_value
from funcgrasp_ros.planner_settings import PlannerSettings
from funcgrasp_ros.scene_segmentation import import_open3d


class LiveSettings:
    """The settings of a configured node.

    While it is not configured its parameters may be set to anything that their descriptors allow: `load` checks them.

    Args:
        node: whose parameters are declared.
        on_change: called with the new settings after parameters of a configured node have changed.
    """

    def __init__(self, node: Node, on_change: Callable[[PlannerSettings], None]):
        self._node = node
        self._on_change = on_change
        self._lock = threading.Lock()
        self._current: PlannerSettings | None = None
        node.add_on_set_parameters_callback(self._check)
        node.add_post_set_parameters_callback(self._apply)

    @property
    def current(self) -> PlannerSettings | None:
        """What counts now; None while the node is not configured."""
        return self._current

    def load(self) -> PlannerSettings:
        """Reads the parameters for a node that is being configured.

        Raises:
            ConfigurationError: values that cannot be, alone or together.
            MissingDependencyError: scenes are asked for, and open3d is not installed.
        """
        with self._lock:
            settings = _usable(read_settings(self._node))
            self._current = settings
        return settings

    def release(self) -> None:
        """The node is not configured any more: all parameters may be set."""
        with self._lock:
            self._current = None

    def _check(self, parameters: Sequence[Parameter]) -> SetParametersResult:
        """Whether parameters may be set; called before they are."""
        current = self._current
        if current is None:
            return SetParametersResult(successful=True)
        changes = {parameter.name: parameter.value for parameter in parameters if parameter.name in PLANNER_PARAMETERS}
        for name, value in changes.items():
            read_when = PLANNER_PARAMETERS[name].read_when
            if read_when != "request" and setting_from_value(name, value) != getattr(current, name):
                reason = f"Parameter '{name}' cannot change now. {READ_WHEN[read_when]}"
                return SetParametersResult(successful=False, reason=reason)
        try:
            _usable(read_settings(self._node, changes))
        except FuncGraspError as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    def _apply(self, parameters: Sequence[Parameter]) -> None:
        """Takes over what was set."""
        if all(parameter.name not in PLANNER_PARAMETERS for parameter in parameters):
            return
        with self._lock:
            if self._current is None:
                return
            self._current = settings = read_settings(self._node)
        self._on_change(settings)


def _usable(settings: PlannerSettings) -> PlannerSettings:
    """The settings, if what they need is installed; loads it, so that the first request does not wait for it."""
    if settings.object_source == "scene":
        import_open3d()
    return settings
