"""Stands in for tf2_ros.static_transform_broadcaster."""

from embedded_ros.errors import refuse_unknown_names
from embedded_ros.transforms import StaticTransformBroadcaster

__getattr__ = refuse_unknown_names(__name__)
