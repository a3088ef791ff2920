"""Stands in for tf2_ros.transform_listener."""

from embedded_ros.transforms import TransformListener
