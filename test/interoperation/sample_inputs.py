"""An object's cloud and a picture that C and Python make alike, bit by bit (peer/sample_inputs.c)."""

import numpy as np

NUM_POINTS = 100_000
IMAGE_WIDTH, IMAGE_HEIGHT = 64, 48
CLOUD_FRAME, CAMERA_FRAME = "table", "lens"


def sample_points() -> np.ndarray:
    """[100000, 3] float32 points of a cube of 8 cm, metres: binary fractions, which float32 holds exactly."""
    index = np.arange(NUM_POINTS)[:, None]
    return ((index * (7, 11, 13) % (641, 643, 647) - 320) / 8192).astype(np.float32)


def sample_pixels() -> np.ndarray:
    """[48, 64, 3] uint8."""
    index = np.arange(IMAGE_HEIGHT * IMAGE_WIDTH * 3)
    return (7 * index + 3).astype(np.uint8).reshape(IMAGE_HEIGHT, IMAGE_WIDTH, 3)
