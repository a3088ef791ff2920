"""Camera images on the wire, raw or compressed, to RGB arrays and back."""

import array
import io
import struct

import numpy as np
import PIL.Image
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from funcgrasp_core.errors import BadImageError

NUM_CHANNELS = {"rgb8": 3, "bgr8": 3, "rgba8": 4, "bgra8": 4, "mono8": 1}
"""Encodings that are understood, and their bytes in a pixel."""

DEPTH_ENCODINGS = ("16UC1", "32FC1")
"""What depth cameras send; a common mistake is to name their topic instead of the colour camera's."""

COMPRESSED_FORMATS = ("JPEG", "PNG")
"""File formats of compressed images, as Pillow names them."""

MAX_COMPRESSED_PIXELS = 2**26
"""Larger pictures are refused before they are unpacked: a few bytes can claim to be a picture of any size."""


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


def rgb_from_compressed_image(message: CompressedImage) -> np.ndarray:
    """Pixels of a JPEG or PNG picture, [H, W, 3] uint8 RGB; a transparency channel is left out.

    The bytes say which of the two it is. The message's `format` is only read to tell depth from colour: drivers do not
    agree on how to write it.

    Raises:
        BadImageError: neither JPEG nor PNG, damaged, larger than MAX_COMPRESSED_PIXELS, or a depth picture.
    """
    name = f"Compressed image of '{message.header.frame_id}'"
    if "compressedDepth" in message.format or message.format.startswith(DEPTH_ENCODINGS):
        raise _depth_error(name, message.format)
    try:
        with PIL.Image.open(io.BytesIO(message.data), formats=COMPRESSED_FORMATS) as picture:
            num_pixels = picture.width * picture.height
            if num_pixels > MAX_COMPRESSED_PIXELS:
                raise BadImageError(
                    f"{name}: {picture.width} x {picture.height} pixels are more than {MAX_COMPRESSED_PIXELS}; send a "
                    "smaller picture."
                )
            if picture.mode in ("I", "I;16", "I;16B", "F"):
                raise _depth_error(name, picture.mode)
            return np.array(picture.convert("RGB"))
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, PIL.Image.DecompressionBombError) as error:
        raise BadImageError(
            f"{name}: its {len(message.data)} bytes of format '{message.format}' cannot be read as "
            f"{' or '.join(COMPRESSED_FORMATS)} ({error}); send a whole picture in one of these formats."
        ) from error


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
    if message.encoding in DEPTH_ENCODINGS:
        raise _depth_error(f"Image of '{message.header.frame_id}'", message.encoding)
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


def _depth_error(name: str, encoding: str) -> BadImageError:
    return BadImageError(
        f"{name}: encoding '{encoding}' is depth, not colour; name the topic of the colour camera "
        f"({', '.join(NUM_CHANNELS)}, or JPEG and PNG)."
    )
