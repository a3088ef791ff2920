"""Transforms between frames, as tf tells them."""

import numpy as np
import tf2_ros
from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.time import Time
from std_msgs.msg import Header

from funcgrasp_core.errors import NoTransformError
from funcgrasp_ros.conversions.transforms import matrix_from_transform


class FrameTransforms:
    """Listens to tf until it is closed.

    Args:
        node: whose executor runs the callbacks.
    """

    def __init__(self, node: Node):
        self._buffer = tf2_ros.Buffer()
        self._listener = tf2_ros.TransformListener(self._buffer, node)

    def close(self) -> None:
        """Stops listening; what is known already can still be looked up."""
        self._listener.unregister()

    def matrix(self, target_frame: str, source: Header, timeout_s: float) -> np.ndarray:
        """target_from_source [4, 4] at the source's stamp, the newest if that is zero; waits for it.

        Raises:
            NoTransformError: it is not known within `timeout_s`.
        """
        if target_frame == source.frame_id:
            return np.eye(4)
        try:
            transform = self._buffer.lookup_transform(
                target_frame, source.frame_id, Time.from_msg(source.stamp), Duration(seconds=timeout_s)
            )
        except (tf2_ros.TransformException, ValueError) as error:  # rclpy has no times before 1970
            raise NoTransformError(
                f"There is no transform from frame '{source.frame_id}' to '{target_frame}' ({error}); publish it on "
                "tf, or correct the message's frame_id or the parameter 'planning_frame'."
            ) from error
        return matrix_from_transform(transform.transform)
