"""Stands in for rclpy.signals."""

from embedded_ros.context import (
    SignalHandlerOptions,
    get_current_signal_handlers_options,
    install_signal_handlers,
    uninstall_signal_handlers,
)
