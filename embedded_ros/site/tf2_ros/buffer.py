"""Stands in for tf2_ros.buffer."""

from embedded_ros.errors import refuse_unknown_names
from embedded_ros.transforms import Buffer

__getattr__ = refuse_unknown_names(__name__)
