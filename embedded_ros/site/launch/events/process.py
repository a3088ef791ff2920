"""Stands in for launch.events.process."""

from embedded_ros.launch_processes import ProcessExited, ProcessStarted
