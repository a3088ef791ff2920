"""Stands in for tf2_ros.transform_broadcaster."""

from embedded_ros.transforms import TransformBroadcaster
