"""Stands in for rclpy.utilities."""

from embedded_ros.api import get_rmw_implementation_identifier, ok, shutdown, try_shutdown
from embedded_ros.arguments import remove_ros_args
from embedded_ros.context import get_default_context
from embedded_ros.times import timeout_sec_to_nsec
