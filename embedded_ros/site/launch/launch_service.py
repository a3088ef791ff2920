"""Stands in for launch.launch_service."""

from embedded_ros.launch_service import LaunchService
