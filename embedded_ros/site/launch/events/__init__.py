"""Stands in for launch.events."""

from embedded_ros.launch_actions import ShutdownEvent as Shutdown
