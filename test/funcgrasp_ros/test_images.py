import array

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from funcgrasp_core.errors import BadImageError
from funcgrasp_ros.conversions.images import image_from_rgb, rgb_from_image

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
        ({"encoding": "32FC1"}, "encoding '32FC1' is not understood"),
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
