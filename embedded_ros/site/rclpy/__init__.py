"""Stands in for ROS's rclpy."""

from embedded_ros.api import (
    create_node,
    get_global_executor,
    get_rmw_implementation_identifier,
    init,
    ok,
    shutdown,
    spin,
    spin_once,
    spin_until_future_complete,
    try_shutdown,
)
from embedded_ros.context import Context, SignalHandlerOptions, get_default_context
from embedded_ros.import_hooks import install_import_hooks
from embedded_ros.node import Node
from embedded_ros.parameters import Parameter
from embedded_ros.tasks import Future

install_import_hooks(__name__)
