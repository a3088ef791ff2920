"""Stands in for tf2_ros.static_transform_broadcaster."""

from embedded_ros.transforms import StaticTransformBroadcaster
