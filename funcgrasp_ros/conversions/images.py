"""Camera images on the wire to RGB arrays and back."""

import array

import numpy as np
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from funcgrasp_core.errors import BadImageError

NUM_CHANNELS = {"rgb8": 3, "bgr8": 3, "rgba8": 4, "bgra8": 4, "mono8": 1}
"""Encodings that are understood, and their bytes in a pixel."""


def rgb_from_image(message: Image) -> np.ndarray:
    """Pixels of a colour or grey image, [H, W, 3] uint8 RGB.

    Raises:
        BadImageError: the encoding is not one of NUM_CHANNELS, or width, height, step and the data's length
            contradict each other.
    """
    num_channels = _checked_num_channels(message)
    rows = np.frombuffer(message.data, dtype=np.uint8).reshape(message.height, message.step)
    pixels = rows[:, : message.width * num_channels].reshape(message.height, message.width, num_channels)
    if num_channels == 1:
        return np.repeat(pixels, 3, axis=2)
    colours = pixels[..., :3]
    return np.ascontiguousarray(colours[..., ::-1] if message.encoding.startswith("bgr") else colours)


def image_from_rgb(pixels: np.ndarray, header: Header) -> Image:
    """An rgb8 image from pixels [H, W, 3] uint8."""
    height, width, _ = pixels.shape
    return Image(
        header=header,
        height=height,
        width=width,
        encoding="rgb8",
        is_bigendian=0,
        step=3 * width,
        data=array.array("B", np.ascontiguousarray(pixels).tobytes()),
    )


def _checked_num_channels(message: Image) -> int:
    if message.encoding not in NUM_CHANNELS:
        raise BadImageError(
            f"Image of '{message.header.frame_id}': encoding '{message.encoding}' is not understood; send one of "
            f"{', '.join(NUM_CHANNELS)}."
        )
    num_channels = NUM_CHANNELS[message.encoding]
    if message.width == 0 or message.height == 0:
        raise BadImageError(
            f"Image of '{message.header.frame_id}': {message.width} x {message.height} pixels; send a picture with "
            "pixels or none."
        )
    if message.step < message.width * num_channels:
        raise BadImageError(
            f"Image of '{message.header.frame_id}': step is {message.step} bytes, but {message.width} pixels of "
            f"{message.encoding} need {message.width * num_channels}; correct step, width or encoding."
        )
    if len(message.data) != message.height * message.step:
        raise BadImageError(
            f"Image of '{message.header.frame_id}': data has {len(message.data)} bytes, but height {message.height} "
            f"times step {message.step} is {message.height * message.step}; send the whole image."
        )
    return num_channels
