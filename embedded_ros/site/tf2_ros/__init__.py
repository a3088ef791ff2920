"""Stands in for tf2_ros."""

from embedded_ros.import_hooks import install_import_hooks
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

install_import_hooks(__name__)
