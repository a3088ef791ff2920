"""Stands in for tf2_ros.transform_listener."""

from embedded_ros.errors import refuse_unknown_names
from embedded_ros.transforms import TransformListener

__getattr__ = refuse_unknown_names(__name__)
