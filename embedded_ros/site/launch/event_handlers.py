"""Stands in for launch.event_handlers."""

from embedded_ros.launch_processes import OnProcessExit, OnProcessStart
