"""Stands in for tf2_ros.buffer."""

from embedded_ros.transforms import Buffer
