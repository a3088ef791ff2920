"""Stands in for launch_ros."""

from embedded_ros.errors import refuse_unknown_names

__getattr__ = refuse_unknown_names(__name__)
