"""Stands in for rclpy.parameter_event_handler."""

from embedded_ros.parameter_events import ParameterCallbackHandle, ParameterEventCallbackHandle, ParameterEventHandler
