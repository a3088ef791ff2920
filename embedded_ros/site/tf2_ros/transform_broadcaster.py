"""Stands in for tf2_ros.transform_broadcaster."""

from embedded_ros.errors import refuse_unknown_names
from embedded_ros.transforms import TransformBroadcaster

__getattr__ = refuse_unknown_names(__name__)
