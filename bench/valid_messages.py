"""One small message of every kind that the planner node reads, as it should be."""

import array
import io

import numpy as np
import PIL.Image
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, PointCloud2
from std_msgs.msg import Header

from funcgrasp_ros import msg
from funcgrasp_ros.conversions.clouds import cloud_from_points
from funcgrasp_ros.conversions.images import image_from_rgb

CLOUD_FRAME, CAMERA_FRAME = "table", "lens"
INSTRUCTION = "hold it"
IMAGE_WIDTH, IMAGE_HEIGHT, FOCAL_LENGTH = 32, 24, 40.0


def valid_points() -> np.ndarray:
    """[150, 3] float32 points of a ball of 8 cm."""
    directions = np.random.default_rng(0).normal(size=(150, 3))
    return (0.04 * directions / np.linalg.norm(directions, axis=1, keepdims=True)).astype(np.float32)


def valid_cloud() -> PointCloud2:
    """A ball as the planner wants it."""
    return cloud_from_points(valid_points(), Header(frame_id=CLOUD_FRAME))


def valid_image() -> Image:
    """A small colour picture."""
    return image_from_rgb(_pixels(), Header(frame_id=CAMERA_FRAME))


def valid_compressed_image(file_format: str = "PNG") -> CompressedImage:
    """The same, as JPEG or PNG."""
    buffer = io.BytesIO()
    PIL.Image.fromarray(_pixels()).save(buffer, format=file_format)
    header = Header(frame_id=CAMERA_FRAME)
    return CompressedImage(header=header, format=file_format.lower(), data=array.array("B", buffer.getvalue()))


def valid_camera_info() -> CameraInfo:
    """The calibration of the picture's camera."""
    centre = ((IMAGE_WIDTH - 1) / 2, (IMAGE_HEIGHT - 1) / 2)
    matrix = np.array([FOCAL_LENGTH, 0, centre[0], 0, FOCAL_LENGTH, centre[1], 0, 0, 1])
    return CameraInfo(
        header=Header(frame_id=CAMERA_FRAME),
        width=IMAGE_WIDTH,
        height=IMAGE_HEIGHT,
        k=matrix,
        r=np.eye(3).reshape(-1),
        p=np.pad(matrix.reshape(3, 3), ((0, 0), (0, 1))).reshape(-1),
        distortion_model="plumb_bob",
    )


def valid_request(**fields) -> msg.GraspRequest:
    """A request with everything in it, but for the fields given."""
    good = {
        "instruction": INSTRUCTION,
        "cloud": valid_cloud(),
        "images": [valid_image()],
        "camera_infos": [valid_camera_info()],
        "num_candidates": 1,
    }
    return msg.GraspRequest(**{**good, **fields})


def _pixels() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (IMAGE_HEIGHT, IMAGE_WIDTH, 3), dtype=np.uint8)
