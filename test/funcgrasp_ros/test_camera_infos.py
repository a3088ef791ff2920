import array
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sensor_msgs.msg import CameraInfo, RegionOfInterest

from funcgrasp_core.errors import BadImageError
from funcgrasp_core.geometry.rotations import quaternion_to_matrix
from funcgrasp_ros.camera_views import CameraGeometry
from funcgrasp_ros.conversions.camera_infos import (
    PictureCamera,
    camera_of_raw_picture,
    camera_of_rectified_picture,
    check_picture_size,
    has_camera_matrix,
)

K = [400.0, 0.0, 160.0, 0.0, 400.0, 120.0, 0.0, 0.0, 1.0]
QUARTER_TURN = [0.0, -1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0]
P = [300.0, 0.0, 150.0, 0.0, 0.0, 300.0, 100.0, 0.0, 0.0, 0.0, 1.0, 0.0]
P_OF_SECOND = [300.0, 0.0, 150.0, -30.0, 0.0, 300.0, 100.0, 0.0, 0.0, 0.0, 1.0, 0.0]
POINT = np.array([[0.1, 0.2, 1.0]])


def camera_info(**fields) -> CameraInfo:
    good: dict[str, Any] = {"width": 320, "height": 240, "k": K, "r": np.eye(3).reshape(-1), "p": P}
    good |= fields
    return CameraInfo(**{name: np.array(value) if name in "krp" else value for name, value in good.items()})


def seen_at(camera: PictureCamera, points_in_optical: np.ndarray) -> np.ndarray:
    """Pixels [N, 2] of points [N, 3]; the planning frame is the optical one."""
    pixels, is_in_front = CameraGeometry(camera.matrix, camera.optical_from_picture, camera.lens).project(
        points_in_optical
    )
    assert is_in_front.all()
    return pixels


def test_a_raw_picture_is_seen_through_k_and_d():
    # square = 0.05: the radial factor is 1 + 2 * 0.05
    info = camera_info(distortion_model="plumb_bob", d=array.array("d", [2.0, 0.0, 0.0, 0.0, 0.0]), r=QUARTER_TURN)
    pixels = seen_at(camera_of_raw_picture(info), POINT)
    np.testing.assert_allclose(pixels, [[400 * 0.11 + 160, 400 * 0.22 + 120]])


def test_a_rectified_picture_is_seen_through_r_and_p():
    info = camera_info(distortion_model="plumb_bob", d=array.array("d", [2.0, 0.0, 0.0, 0.0, 0.0]), r=QUARTER_TURN)
    # The turn takes (0.1, 0.2) to (-0.2, 0.1).
    pixels = seen_at(camera_of_rectified_picture(info, "lens"), POINT)
    np.testing.assert_allclose(pixels, [[300 * -0.2 + 150, 300 * 0.1 + 100]])


def test_the_second_camera_of_a_pair_is_the_baseline_away_from_the_frame():
    camera = camera_of_rectified_picture(camera_info(p=P_OF_SECOND), "lens")
    np.testing.assert_allclose(camera.optical_from_picture[:3, 3], [30 / 300, 0, 0])
    np.testing.assert_allclose(seen_at(camera, POINT), [[300 * 0.1 + 150 - 30, 300 * 0.2 + 100]])
    # At twice the distance the shift is half as large.
    np.testing.assert_allclose(seen_at(camera, 2 * POINT), [[300 * 0.1 + 150 - 15, 300 * 0.2 + 100]])


def test_region_of_interest_and_binning_move_and_shrink_the_pixels():
    roi = RegionOfInterest(x_offset=80, y_offset=40, width=160, height=160)
    info = camera_info(roi=roi, binning_x=2, binning_y=4)
    check_picture_size(info, 80, 40, "lens")
    # In the sensor's pixels the raw point is at (200, 200), the rectified one at (180, 160).
    np.testing.assert_allclose(seen_at(camera_of_raw_picture(info), POINT), [[(200 - 80) / 2, (200 - 40) / 4]])
    rectified = camera_of_rectified_picture(info, "lens")
    np.testing.assert_allclose(seen_at(rectified, POINT), [[(180 - 80) / 2, (160 - 40) / 4]])
    second = camera_of_rectified_picture(camera_info(roi=roi, binning_x=2, binning_y=4, p=P_OF_SECOND), "lens")
    np.testing.assert_allclose(seen_at(second, POINT), [[(180 - 30 - 80) / 2, (160 - 40) / 4]])


@given(
    turn=st.tuples(*[st.floats(-0.1, 0.1)] * 3),
    direction=st.tuples(*[st.floats(-0.5, 0.5)] * 2),
    depth=st.floats(0.1, 5.0),
    lens=st.tuples(*[st.floats(-0.1, 0.1)] * 2, *[st.floats(-0.005, 0.005)] * 2, st.floats(-0.02, 0.02)),
    focal_length=st.floats(200.0, 800.0),
    offset=st.tuples(*[st.integers(0, 100)] * 2),
    binning=st.tuples(*[st.integers(0, 4)] * 2),
)
def test_raw_and_rectified_pixels_of_a_point_lie_on_the_same_ray(
    turn, direction, depth, lens, focal_length, offset, binning
):
    half_turn = torch.tensor([*turn, 1.0], dtype=torch.float64)
    rotation = quaternion_to_matrix(half_turn / half_turn.norm()).numpy()
    info = camera_info(
        r=rotation.reshape(-1),
        p=[focal_length, 0.0, 155.0, 0.0, 0.0, 1.1 * focal_length, 118.0, 0.0, 0.0, 0.0, 1.0, 0.0],
        distortion_model="plumb_bob",
        d=array.array("d", lens),
        roi=RegionOfInterest(x_offset=offset[0], y_offset=offset[1], width=200, height=120),
        binning_x=binning[0],
        binning_y=binning[1],
    )
    ray = np.array([*direction, 1.0])
    (raw,) = seen_at(camera_of_raw_picture(info), depth * ray[None])
    (rectified,) = seen_at(camera_of_rectified_picture(info, "lens"), depth * ray[None])
    steps = np.maximum(binning, 1)
    on_sensor = rectified * steps + offset
    ray_of_rectified = np.linalg.solve(np.array(info.p).reshape(3, 4)[:, :3], [*on_sensor, 1.0]) @ rotation
    np.testing.assert_allclose(ray_of_rectified / ray_of_rectified[2], ray, atol=1e-9)
    bent = np.linalg.solve(np.array(K).reshape(3, 3), [*(raw * steps + offset), 1.0])[:2]
    np.testing.assert_allclose(straightened(bent, lens), ray[:2], atol=1e-6)


def straightened(bent: np.ndarray, lens: tuple[float, ...]) -> np.ndarray:
    """The ray that a plumb-bob lens bends to this one, by repeated guessing."""
    k1, k2, p1, p2, k3 = lens
    x, y = guess = bent
    for _ in range(100):
        x, y = guess
        square = x * x + y * y
        sideways = np.array([2 * p1 * x * y + p2 * (square + 2 * x * x), p1 * (square + 2 * y * y) + 2 * p2 * x * y])
        guess = (bent - sideways) / (1 + k1 * square + k2 * square**2 + k3 * square**3)
    return guess


def test_no_binning_and_no_region_mean_the_whole_picture():
    info = camera_info()
    check_picture_size(info, 320, 240, "lens")
    np.testing.assert_array_equal(camera_of_raw_picture(info).matrix, np.array(K).reshape(3, 3))


def test_binning_leaves_out_the_rest_of_a_division():
    check_picture_size(camera_info(width=641, height=481, binning_x=2, binning_y=2), 320, 240, "lens")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"width": 640}, "lens: 320 x 240 pixels, but its CameraInfo is for 640 x 240; publish"),
        ({"binning_x": 2}, "CameraInfo is for 160 x 240, its sensor's 320 x 240 after 'roi' and 'binning'"),
        ({"binning_y": 2**32 - 1}, "CameraInfo is for 320 x 0"),
        ({"roi": RegionOfInterest(width=100, height=50)}, "CameraInfo is for 100 x 50, its sensor's 320 x 240 after"),
        ({"roi": RegionOfInterest(x_offset=1)}, r"its 'roi' of 320 x 240 from \(1, 0\) is not inside"),
        ({"roi": RegionOfInterest(height=241, width=9)}, r"its 'roi' of 9 x 241 from \(0, 0\) is not inside"),
    ],
)
def test_a_picture_of_another_size_than_its_calibration_is_refused(fields, message):
    with pytest.raises(BadImageError, match=message):
        check_picture_size(camera_info(**fields), 320, 240, "lens")


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"p": np.zeros(12)}, "Image of lens: it is said to be rectified, but its CameraInfo's P .* no camera matrix"),
        ({"p": [*P[:5], -300.0, *P[6:]]}, "P is .* no camera matrix"),
        ({"p": [*P[:2], np.nan, *P[3:]]}, "P is .* no camera matrix"),
        ({"p": [*P[:3], -300e3, *P[4:]]}, "more than 10 m away; publish -fx times the baseline"),
        ({"p": [*P[:3], np.nan, *P[4:]]}, "more than 10 m away"),
        ({"r": np.zeros(9)}, "R is .* no rotation; .* for a single camera that is the identity"),
        ({"r": np.diag([1.0, 1.0, -1.0]).reshape(-1)}, "R is .* no rotation"),
        ({"r": 2 * np.eye(3).reshape(-1)}, "R is .* no rotation"),
        ({"r": [np.nan, *QUARTER_TURN[1:]]}, "R is .* no rotation"),
    ],
)
def test_a_rectified_picture_needs_a_rotation_and_a_camera_matrix(fields, message):
    with pytest.raises(BadImageError, match=message):
        camera_of_rectified_picture(camera_info(**fields), "lens")


@pytest.mark.parametrize("k", [np.zeros(9), [-400.0, *K[1:]], [1e7, *K[1:]], [*K[:5], np.inf, *K[6:]]])
def test_without_focal_lengths_there_is_no_camera_matrix(k):
    assert not has_camera_matrix(camera_info(k=k))
    assert has_camera_matrix(camera_info(p=np.zeros(12)))
