"""Stands in for launch.events.process."""

from embedded_ros.errors import refuse_unknown_names
from embedded_ros.launch_processes import ProcessExited, ProcessStarted

__getattr__ = refuse_unknown_names(__name__)
