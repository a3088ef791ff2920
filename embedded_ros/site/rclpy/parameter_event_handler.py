"""Stands in for rclpy.parameter_event_handler."""

from embedded_ros.errors import refuse_unknown_names
from embedded_ros.parameter_events import ParameterCallbackHandle, ParameterEventCallbackHandle, ParameterEventHandler

__getattr__ = refuse_unknown_names(__name__)
