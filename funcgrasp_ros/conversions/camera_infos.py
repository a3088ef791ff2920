"""Camera calibrations on the wire to the camera that took the picture: its matrix, its lens, and how it is turned.

A CameraInfo tells of two pictures. The raw one is bent by the lens: K and D hold. The rectified one was made of it and
is straight: the left 3 x 3 of P is its camera matrix, and R turns the camera's optical frame into the picture's. What
lies outside of the region of interest is cut off both, and binning shrinks both.
"""

from dataclasses import dataclass

import numpy as np
from sensor_msgs.msg import CameraInfo

from funcgrasp_core.errors import BadImageError
from funcgrasp_ros.lens_models import Lens, lens_from_camera_info

MAX_FOCAL_LENGTH = 1e6
"""Pixels; no camera has more."""

MAX_BASELINE_M = 10.0
"""No stereo pair is wider."""

ROTATION_TOLERANCE = 1e-2
"""How far R may be from a rotation; calibration files round."""


@dataclass(frozen=True)
class PictureCamera:
    """The camera that a picture seems to be taken by.

    Attributes:
        matrix: [3, 3] pinhole intrinsics in pixels of the picture as it was sent.
        optical_from_picture: [4, 4] where this camera is in the optical frame that the picture's header names.
        lens: what bends the rays before the matrix applies; None: nothing.
        lens_objection: why the lens is taken as straight though it is not; empty if it is followed.
    """

    matrix: np.ndarray
    optical_from_picture: np.ndarray
    lens: Lens | None = None
    lens_objection: str = ""


def has_camera_matrix(info: CameraInfo) -> bool:
    """Whether K is a camera matrix; an uncalibrated driver sends zeros."""
    return _is_camera_matrix(_rows(info.k))


def camera_of_raw_picture(info: CameraInfo) -> PictureCamera:
    """The camera of a picture as the sensor saw it; needs `has_camera_matrix`."""
    lens, objection = lens_from_camera_info(info.distortion_model, info.d)
    return PictureCamera(_cut_and_binned(_rows(info.k), info), np.eye(4), lens, objection)


def camera_of_rectified_picture(info: CameraInfo, name: str) -> PictureCamera:
    """The camera of a rectified picture.

    The second camera of a stereo pair has a fourth column in P. Its header names the frame of the first camera then,
    from which its own optical centre is away by the baseline.

    Args:
        info: as it was calibrated; its K and D are of no interest.
        name: of the camera, for people.

    Raises:
        BadImageError: P or R is missing, or is no camera matrix or rotation.
    """
    projection, rotation = _rows(info.p), _rows(info.r)
    matrix = projection[:, :3]
    if not _is_camera_matrix(matrix):
        raise BadImageError(
            f"Image of {name}: it is said to be rectified, but its CameraInfo's P is {projection.tolist()}, which is "
            "no camera matrix; calibrate the camera, or send the raw image and say so."
        )
    if not _is_rotation(rotation):
        raise BadImageError(
            f"Image of {name}: it is said to be rectified, but its CameraInfo's R is {rotation.tolist()}, which is no "
            "rotation; publish the one it was rectified by, for a single camera that is the identity."
        )
    centre_in_picture = np.array([-projection[0, 3] / matrix[0, 0], -projection[1, 3] / matrix[1, 1], 0.0])
    if not (np.abs(centre_in_picture) <= MAX_BASELINE_M).all():
        raise BadImageError(
            f"Image of {name}: the fourth column of its CameraInfo's P puts the camera at {centre_in_picture.tolist()} "
            f"in its frame, more than {MAX_BASELINE_M:g} m away; publish -fx times the baseline in metres, 0 for a "
            "single camera."
        )
    optical_from_picture = np.eye(4)
    optical_from_picture[:3, :3] = rotation.T
    optical_from_picture[:3, 3] = rotation.T @ centre_in_picture
    return PictureCamera(_cut_and_binned(matrix, info), optical_from_picture)


def check_picture_size(info: CameraInfo, width: int, height: int, name: str) -> None:
    """Refuses a picture of another size than its calibration speaks of.

    Args:
        info: its region of interest and binning are reckoned with.
        width: of the picture, pixels.
        height: of the picture, pixels.
        name: of the camera, for people.

    Raises:
        BadImageError: another size, or the region of interest is not in the sensor's picture.
    """
    roi, (binning_x, binning_y) = info.roi, _binning(info)
    roi_width, roi_height = roi.width or info.width, roi.height or info.height
    if roi.x_offset + roi_width > info.width or roi.y_offset + roi_height > info.height:
        raise BadImageError(
            f"Image of {name}: its CameraInfo is for {info.width} x {info.height}, but its 'roi' of {roi_width} x "
            f"{roi_height} from ({roi.x_offset}, {roi.y_offset}) is not inside; correct it, in pixels before binning."
        )
    expected = (roi_width // binning_x, roi_height // binning_y)
    if (width, height) != expected:
        is_whole = expected == (info.width, info.height)
        full_size = "" if is_whole else f", its sensor's {info.width} x {info.height} after 'roi' and 'binning'"
        raise BadImageError(
            f"Image of {name}: {width} x {height} pixels, but its CameraInfo is for {expected[0]} x {expected[1]}"
            f"{full_size}; publish the CameraInfo of this picture's size."
        )


def _rows(values: np.ndarray) -> np.ndarray:
    """A matrix of three rows from the message's row-major list."""
    return np.asarray(values, dtype=np.float64).reshape(3, -1)


def _is_camera_matrix(matrix: np.ndarray) -> bool:
    focal_lengths = matrix[[0, 1], [0, 1]]
    return bool(np.isfinite(matrix).all() and ((focal_lengths > 0) & (focal_lengths < MAX_FOCAL_LENGTH)).all())


def _is_rotation(matrix: np.ndarray) -> bool:
    return bool(
        (np.abs(matrix) <= 1.0 + ROTATION_TOLERANCE).all()
        and np.allclose(matrix @ matrix.T, np.eye(3), atol=ROTATION_TOLERANCE)
        and np.linalg.det(matrix) > 0
    )


def _binning(info: CameraInfo) -> tuple[int, int]:
    return info.binning_x or 1, info.binning_y or 1


def _cut_and_binned(matrix: np.ndarray, info: CameraInfo) -> np.ndarray:
    """The camera matrix [3, 3] of a picture of which only the region of interest was kept, and its pixels binned."""
    cut = matrix.copy()
    cut[:2, 2] -= (info.roi.x_offset, info.roi.y_offset)
    cut[:2] /= np.array(_binning(info))[:, None]
    return cut
