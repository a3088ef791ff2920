"""Messages of rosgraph_msgs, made on demand."""

from embedded_ros.message_classes import interface_module

__getattr__, __dir__ = interface_module(__name__)
