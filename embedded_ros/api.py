"""The functions of the module rclpy itself."""

from typing import Any

from embedded_ros.context import (
    Context,
    SignalHandlerOptions,
    forget_default_context,
    get_default_context,
    install_signal_handlers,
    uninstall_signal_handlers,
)
from embedded_ros.executors import Executor, SingleThreadedExecutor
from embedded_ros.node import Node
from embedded_ros.tasks import Future

_global_executor: Executor | None = None


def init(
    *, args: list[str] | None = None, context: Context | None = None, domain_id: int | None = None,
    signal_handler_options: SignalHandlerOptions | None = None,
) -> None:  # fmt: skip
    """Join the ROS graph; the default context also gets handlers of SIGINT and SIGTERM."""
    is_default = context is None or context is get_default_context()
    context = context or get_default_context()
    if signal_handler_options is None:
        signal_handler_options = SignalHandlerOptions.ALL if is_default else SignalHandlerOptions.NO
    context.init(args, domain_id=domain_id)
    install_signal_handlers(signal_handler_options)


def ok(*, context: Context | None = None) -> bool:
    """Whether a context is between init and shutdown."""
    return (context or get_default_context()).ok()


def shutdown(*, context: Context | None = None, uninstall_handlers: bool | None = None) -> None:
    """Leave the ROS graph; RCLError if that has happened already."""
    _shut_down(context, uninstall_handlers, Context.shutdown)


def try_shutdown(*, context: Context | None = None, uninstall_handlers: bool | None = None) -> None:
    """Leave the ROS graph unless that has happened already."""
    _shut_down(context, uninstall_handlers, Context.try_shutdown)


def _shut_down(context: Context | None, uninstall_handlers: bool | None, action: Any) -> None:
    global _global_executor
    is_default = context is None or context is get_default_context()
    action(context or get_default_context())
    if is_default:
        if _global_executor is not None:
            _global_executor.shutdown()
            _global_executor = None
        forget_default_context()
    if uninstall_handlers or (uninstall_handlers is None and is_default):
        uninstall_signal_handlers()


def get_global_executor() -> Executor:
    """The executor that the spin functions use by default."""
    global _global_executor
    if _global_executor is None:
        _global_executor = SingleThreadedExecutor()
    return _global_executor


def create_node(node_name: str, **options: Any) -> Node:
    """A node; the options are those of Node."""
    return Node(node_name, **options)


def spin_once(node: Node, *, executor: Executor | None = None, timeout_sec: float | None = None) -> None:
    """Run one callback of a node, or wait for one."""
    executor = executor or get_global_executor()
    try:
        executor.add_node(node)
        executor.spin_once(timeout_sec=timeout_sec)
    finally:
        executor.remove_node(node)


def spin(node: Node, executor: Executor | None = None) -> None:
    """Run a node's callbacks until shutdown."""
    executor = executor or get_global_executor()
    try:
        executor.add_node(node)
        while executor.context.ok():
            executor.spin_once()
    finally:
        executor.remove_node(node)


def spin_until_future_complete(
    node: Node, future: Future, executor: Executor | None = None, timeout_sec: float | None = None
) -> None:  # fmt: skip
    """Run a node's callbacks until a future is done or the time is over."""
    executor = executor or get_global_executor()
    was_added = False
    try:
        was_added = executor.add_node(node)
        executor.spin_until_future_complete(future, timeout_sec)
    finally:
        if was_added:
            executor.remove_node(node)


def get_rmw_implementation_identifier() -> str:
    """The middleware whose wire format is spoken."""
    return "rmw_cyclonedds_cpp"
