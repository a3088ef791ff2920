import array
import io
import zlib

import numpy as np
import PIL.Image
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from funcgrasp_core.errors import BadImageError
from funcgrasp_ros.conversions.images import image_from_rgb, rgb_from_compressed_image, rgb_from_image

CHANNELS = {"rgb8": (0, 1, 2), "bgr8": (2, 1, 0), "rgba8": (0, 1, 2, 3), "bgra8": (2, 1, 0, 3)}


def make_image(rgba: np.ndarray, encoding: str, row_padding: int = 0) -> Image:
    pixels = rgba[..., :1] if encoding == "mono8" else rgba[..., CHANNELS[encoding]]
    height, width, num_channels = pixels.shape
    rows = np.pad(pixels.reshape(height, -1), ((0, 0), (0, row_padding)))
    return Image(
        height=height,
        width=width,
        encoding=encoding,
        step=width * num_channels + row_padding,
        data=array.array("B", rows.tobytes()),
    )


@given(
    encoding=st.sampled_from([*CHANNELS, "mono8"]),
    height=st.integers(1, 5),
    width=st.integers(1, 5),
    row_padding=st.integers(0, 4),
    seed=st.integers(0, 1000),
)
def test_every_encoding_gives_the_same_colours(encoding, height, width, row_padding, seed):
    rgba = np.random.default_rng(seed).integers(0, 256, (height, width, 4), dtype=np.uint8)
    expected = np.repeat(rgba[..., :1], 3, axis=2) if encoding == "mono8" else rgba[..., :3]
    np.testing.assert_array_equal(rgb_from_image(make_image(rgba, encoding, row_padding)), expected)


def test_pixels_survive_the_way_there_and_back():
    pixels = np.random.default_rng(0).integers(0, 256, (4, 3, 3), dtype=np.uint8)
    image = image_from_rgb(pixels, Header(frame_id="camera"))
    assert (image.encoding, image.height, image.width, image.step) == ("rgb8", 4, 3, 9)
    np.testing.assert_array_equal(rgb_from_image(image), pixels)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"encoding": "yuv422"}, "encoding 'yuv422' is not understood"),
        ({"encoding": "32FC1"}, "encoding '32FC1' is depth, not colour"),
        ({"encoding": "16UC1"}, "encoding '16UC1' is depth, not colour"),
        ({"width": 0}, "0 x 2 pixels"),
        ({"height": 0}, "4 x 0 pixels"),
        ({"step": 11}, "step is 11 bytes, but 4 pixels of rgb8 need 12"),
        ({"encoding": "rgba8"}, "4 pixels of rgba8 need 16"),
        ({"height": 3}, "data has 24 bytes, but height 3 times step 12 is 36"),
        ({"data": array.array("B", bytes(23))}, "data has 23 bytes"),
    ],
)
def test_sizes_that_contradict_the_encoding_are_refused(changes, message):
    image = make_image(np.zeros((2, 4, 4), dtype=np.uint8), "rgb8")
    for name, value in changes.items():
        setattr(image, name, value)
    with pytest.raises(BadImageError, match=message):
        rgb_from_image(image)


def compressed(pixels: np.ndarray, file_format: str = "PNG", message_format: str = "", **options) -> CompressedImage:
    file = io.BytesIO()
    PIL.Image.fromarray(pixels).save(file, file_format, **options)
    return CompressedImage(
        header=Header(frame_id="lens"),
        format=message_format or file_format.lower(),
        data=array.array("B", file.getvalue()),
    )


def smooth_picture() -> np.ndarray:
    rows, columns = np.mgrid[0:24, 0:32]
    return np.stack([5 * rows, 4 * columns, 100 + rows + columns], axis=2).astype(np.uint8)


@pytest.mark.parametrize("message_format", ["png", "bgr8; png compressed bgr8", ""])
def test_png_gives_the_very_pixels_whatever_the_format_field_says(message_format):
    message = compressed(smooth_picture(), "PNG", message_format)
    np.testing.assert_array_equal(rgb_from_compressed_image(message), smooth_picture())


def test_jpeg_gives_nearly_the_pixels():
    pixels = rgb_from_compressed_image(compressed(smooth_picture(), "JPEG", "rgb8; jpeg compressed bgr8", quality=95))
    assert pixels.dtype == np.uint8
    assert np.abs(pixels.astype(int) - smooth_picture()).max() < 12


def test_grey_and_transparent_pictures_become_rgb():
    grey = smooth_picture()[..., 0]
    np.testing.assert_array_equal(rgb_from_compressed_image(compressed(grey)), np.repeat(grey[..., None], 3, axis=2))
    clear = np.dstack([smooth_picture(), np.zeros((24, 32), dtype=np.uint8)])
    np.testing.assert_array_equal(rgb_from_compressed_image(compressed(clear)), smooth_picture())


def damaged(kind: str) -> CompressedImage:
    message = compressed(smooth_picture(), "JPEG" if kind == "half a JPEG" else "PNG")
    if kind == "nothing":
        message.data = array.array("B")
    elif kind == "another format":
        message = compressed(smooth_picture(), "BMP")
    elif kind == "a flipped byte":
        message.data[60] ^= 0xFF
    else:
        message.data = message.data[: len(message.data) // 2]
    return message


@pytest.mark.parametrize("kind", ["nothing", "another format", "a flipped byte", "half a JPEG", "half a PNG"])
def test_bytes_that_are_no_picture_are_refused(kind):
    with pytest.raises(BadImageError, match="cannot be read as JPEG or PNG"):
        rgb_from_compressed_image(damaged(kind))


@given(st.binary(max_size=80))
def test_no_bytes_break_the_reader(tail):
    data = compressed(smooth_picture()).data[:40].tobytes() + tail
    with pytest.raises(BadImageError):
        rgb_from_compressed_image(CompressedImage(data=array.array("B", data)))


def test_a_picture_that_claims_to_be_huge_is_refused_before_it_is_unpacked():
    message = compressed(smooth_picture())
    # Width and height stand at byte 16 of a PNG, the checksum of its first chunk at byte 29.
    header = bytearray(message.data.tobytes())
    header[16:24] = (9000).to_bytes(4, "big") * 2
    header[29:33] = zlib.crc32(header[12:29]).to_bytes(4, "big")
    message.data = array.array("B", bytes(header))
    with pytest.raises(BadImageError, match="9000 x 9000 pixels are more than"):
        rgb_from_compressed_image(message)


@pytest.mark.parametrize("message_format", ["16UC1; compressedDepth png", "16UC1; png compressed ", "png"])
def test_compressed_depth_is_refused_by_its_format_or_its_pixels(message_format):
    message = compressed(np.full((4, 4), 1234, dtype=np.uint16), "PNG", message_format)
    with pytest.raises(BadImageError, match="is depth, not colour"):
        rgb_from_compressed_image(message)
