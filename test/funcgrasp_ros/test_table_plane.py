import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_scenes import box, cylinder, table, tilted

from funcgrasp_ros.table_plane import Plane, find_table

TOLERANCE_M, MAX_TILT_RAD = 0.01, 0.17


def found(points: np.ndarray) -> Plane | None:
    return find_table(points, TOLERANCE_M, MAX_TILT_RAD)


def test_heights_are_signed_distances():
    plane = Plane(np.array([0.0, 0.0, 1.0]), 0.7)
    np.testing.assert_allclose(plane.heights(np.array([[5.0, 2.0, 0.7], [0, 0, 0.9], [0, 0, 0.0]])), [0, 0.2, -0.7])


@settings(max_examples=10, deadline=None)
@given(height=st.floats(-0.5, 1.0), angle_rad=st.floats(-0.15, 0.15), seed=st.integers(0, 100))
def test_a_table_is_found_at_any_height_and_slight_tilt(height, angle_rad, seed):
    top = table(seed=seed, spacing=0.01)
    lift = np.array([0.0, 0.0, height])
    plane = found(tilted(np.concatenate([top, cylinder(num_points=200)]), angle_rad) + lift)
    assert plane is not None
    np.testing.assert_allclose(np.linalg.norm(plane.normal), 1.0)
    np.testing.assert_allclose(plane.normal, tilted(np.array([[0.0, 0.0, 1.0]]), angle_rad)[0], atol=0.01)
    assert np.abs(plane.heights(tilted(top, angle_rad) + lift)).max() < 0.006


@pytest.mark.parametrize(
    "points",
    [
        np.zeros((0, 3)),
        np.zeros((2, 3)),
        np.zeros((500, 3)),
        np.random.default_rng(0).normal(size=(5000, 3)) * 0.1,
        cylinder(),
        tilted(table(), 0.5),
        table()[:, [0, 2, 1]],
        table(size=(0.15, 0.15)),
        np.concatenate([cylinder((x, y), seed=seed) for seed, (x, y) in enumerate([(0, 0), (0.3, 0), (0.1, 0.3)])]),
        box(size=(0.3, 0.25, 0.15), spacing=0.005),
    ],
    ids=["nothing", "two points", "one place", "a cloud", "a mug", "a ramp", "a wall", "a plate", "mugs", "a box"],
)
def test_what_is_no_table_is_not_taken_for_one(points):
    assert found(points) is None


def test_the_same_scene_gives_the_same_plane():
    first, second = (found(table()) for _ in range(2))
    assert first is not None
    assert second is not None
    assert first.offset == second.offset
    np.testing.assert_array_equal(first.normal, second.normal)
