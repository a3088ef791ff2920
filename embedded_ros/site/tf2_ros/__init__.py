"""Stands in for tf2_ros."""

from embedded_ros.errors import refuse_unknown_names
from embedded_ros.transforms import (
    Buffer,
    ConnectivityException,
    ExtrapolationException,
    InvalidArgumentException,
    LookupException,
    StaticTransformBroadcaster,
    TimeoutException,
    TransformBroadcaster,
    TransformException,
    TransformListener,
)

__getattr__ = refuse_unknown_names(__name__)
