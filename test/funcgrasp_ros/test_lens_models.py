import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from funcgrasp_ros.lens_models import Lens, lens_from_camera_info

PLUMB_BOB = (-0.3, 0.1, 0.001, -0.002, 0.0)


def test_hand_worked_values():
    ray = np.array([[0.5, 0.0]])
    # square = 0.25: radial = 1 - 0.3 * 0.25 + 0.1 * 0.0625 = 0.93125
    np.testing.assert_allclose(
        Lens("plumb_bob", PLUMB_BOB).distort(ray), [[0.5 * 0.93125 - 0.002 * 0.75, 0.001 * 0.25]], atol=1e-12
    )
    # radial = (1 + 0.25) / (1 + 0.5)
    rational = Lens("rational_polynomial", (1.0, 0, 0, 0, 0, 2.0, 0, 0))
    np.testing.assert_allclose(rational.distort(ray), [[0.5 * 1.25 / 1.5, 0.0]], atol=1e-12)
    # 45 degrees
    fisheye = Lens("equidistant", (0.1, 0.0, 0.0, 0.0))
    angle = np.pi / 4
    np.testing.assert_allclose(fisheye.distort(np.array([[0.0, 1.0]])), [[0.0, angle + 0.1 * angle**3]], atol=1e-12)


@given(st.floats(-0.3, 0.3), st.floats(-0.3, 0.3))
def test_near_the_axis_every_lens_is_straight(x, y):
    ray = np.array([[x, y]]) * 1e-3
    for model, coefficients in (("plumb_bob", PLUMB_BOB), ("equidistant", (0.1, 0.01, 0.0, 0.0))):
        np.testing.assert_allclose(Lens(model, coefficients).distort(ray), ray, atol=1e-6)


def test_rays_beyond_the_fold_stay_outside_on_their_own_side():
    # r (1 - 0.3 r^2) grows up to r = 1.054, where it is 0.703; at r = 3 the bare formula gives -5.1.
    lens = Lens("plumb_bob", (-0.3, 0.0, 0.0, 0.0, 0.0))
    image_x, image_y = lens.distort(np.array([[3.0, 0.0], [0.1, 0.0]])).T
    assert image_x[0] == pytest.approx(0.7027, abs=1e-3)
    assert image_x[1] == pytest.approx(0.0997)
    assert (image_y == 0).all()


def test_a_lens_that_bends_nothing_is_none():
    assert lens_from_camera_info("plumb_bob", [0.0] * 5) == (None, "")
    assert lens_from_camera_info("", []) == (None, "")


@pytest.mark.parametrize(
    ("model", "coefficients", "reason"),
    [
        ("mei", [0.1], "model 'mei' is not one of plumb_bob"),
        ("", [0.1], "model '' is not one of plumb_bob"),
        ("plumb_bob", [float("nan")] * 5, "not finite"),
        ("rational_polynomial", [0.1] * 14, "it has 14 distortion coefficients, 'rational_polynomial' takes 8"),
    ],
)
def test_a_lens_that_cannot_be_used_says_why(model, coefficients, reason):
    lens, objection = lens_from_camera_info(model, coefficients)
    assert lens is None
    assert reason in objection


def test_missing_and_superfluous_zero_coefficients_are_allowed():
    assert lens_from_camera_info("plumb_bob", [0.1, 0.2, 0.0, 0.0])[0] == Lens("plumb_bob", (0.1, 0.2, 0.0, 0.0))
    twelve = [0.1, *[0.0] * 11]
    assert lens_from_camera_info("rational_polynomial", twelve)[0] == Lens("rational_polynomial", tuple(twelve[:8]))
