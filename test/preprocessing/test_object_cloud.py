import time

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from funcgrasp_core.errors import (
    CloudFieldsError,
    ConfigurationError,
    EmptyCloudError,
    ImplausibleScaleError,
    NotFiniteError,
)
from funcgrasp_core.preprocessing.object_cloud import MIN_POINTS, centre_on_box, prepare_cloud

BOX_M = np.array([0.06, 0.08, 0.12])


def box_cloud(num_points: int, seed: int = 0) -> np.ndarray:
    """Points in a box about (0.5, -0.2, 0.9), its eight corners among them."""
    corners = np.stack(np.meshgrid([-0.5, 0.5], [-0.5, 0.5], [-0.5, 0.5]), axis=-1).reshape(8, 3)
    inside = np.random.default_rng(seed).random((num_points - 8, 3)) - 0.5
    return np.concatenate([corners, inside]) * BOX_M + [0.5, -0.2, 0.9]


def nearest_gaps(points: np.ndarray) -> np.ndarray:
    distances = np.linalg.norm(points[:, None] - points[None], axis=-1)
    np.fill_diagonal(distances, np.inf)
    return distances.min(axis=1)


@pytest.mark.parametrize("num_raw", [40, 256, 300, 5000])
def test_the_result_is_centred_on_its_own_box(num_raw):
    prepared = prepare_cloud(box_cloud(num_raw), 256)
    assert prepared.points.shape == (256, 3)
    assert prepared.points.dtype == np.float32
    np.testing.assert_allclose(prepared.points.min(axis=0), -prepared.points.max(axis=0), atol=1e-7)
    assert prepared.num_dropped == 0


@pytest.mark.parametrize("num_raw", [40, 256, 300, 5000])
def test_points_are_raw_points_less_the_origin(num_raw):
    raw = box_cloud(num_raw)
    prepared = prepare_cloud(raw, 256)
    distances = np.linalg.norm((prepared.points + prepared.origin)[:, None] - raw[None], axis=-1)
    assert distances.min(axis=1).max() < 1e-7


def test_origin_of_a_cloud_that_is_kept_whole():
    prepared = prepare_cloud(box_cloud(100), 100)
    np.testing.assert_allclose(prepared.origin, [0.5, -0.2, 0.9], atol=1e-12)
    assert prepared.notes == ()


def test_a_small_cloud_is_kept_whole_and_repeated():
    raw = box_cloud(40)
    prepared = prepare_cloud(raw, 100)
    np.testing.assert_allclose(prepared.points[:40] + prepared.origin, raw, atol=1e-7)
    assert len(np.unique(prepared.points, axis=0)) == 40
    assert prepared.notes == ("The cloud has only 40 points; some were repeated to give 100.",)


def test_a_large_cloud_is_thinned_evenly():
    raw = box_cloud(20000)
    prepared = prepare_cloud(raw, 512)
    at_random = raw[np.random.default_rng(0).choice(len(raw), 512, replace=False)]
    assert np.quantile(nearest_gaps(prepared.points), 0.1) > 2 * np.quantile(nearest_gaps(at_random), 0.1)


def test_the_same_seed_gives_the_same_cloud_and_another_seed_another():
    raw = box_cloud(3000)
    first, second = prepare_cloud(raw, 128, seed=3), prepare_cloud(raw, 128, seed=3)
    np.testing.assert_array_equal(first.points, second.points)
    np.testing.assert_array_equal(first.origin, second.origin)
    assert not np.array_equal(first.points, prepare_cloud(raw, 128, seed=4).points)
    generator = np.random.default_rng(3)
    np.testing.assert_array_equal(prepare_cloud(raw, 128, generator).points, first.points)


@pytest.mark.parametrize("layout", ["fortran", "read_only", "strided", "float32"])
def test_memory_layout_does_not_matter_and_the_input_is_not_changed(layout):
    raw = box_cloud(600).astype(np.float32)
    expected = prepare_cloud(raw.astype(np.float64), 128)
    given_points = {
        "fortran": np.asfortranarray(raw),
        "read_only": raw.copy(),
        "strided": np.repeat(raw, 2, axis=0)[::2],
        "float32": raw,
    }[layout]
    given_points.flags.writeable = layout != "read_only"
    before = given_points.copy()
    prepared = prepare_cloud(given_points, 128)
    np.testing.assert_array_equal(prepared.points, expected.points)
    np.testing.assert_array_equal(given_points, before)


def test_points_that_are_not_finite_are_dropped_and_reported():
    raw = box_cloud(600)
    bad = raw.copy()
    bad[[8, 20]] = np.nan
    bad[30, 1] = np.inf
    prepared = prepare_cloud(bad, 128)
    assert prepared.num_dropped == 3
    assert prepared.notes == ("Dropped 3 of 600 points that were not finite.",)
    expected = prepare_cloud(np.delete(raw, [8, 20, 30], axis=0), 128)
    np.testing.assert_array_equal(prepared.points, expected.points)


def test_a_cloud_far_from_the_origin_keeps_its_shape():
    raw = box_cloud(300)
    near, far = prepare_cloud(raw, 128), prepare_cloud(raw + 10_000.0, 128)
    np.testing.assert_allclose(far.points, near.points, atol=1e-6)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**31 - 1), shift=st.floats(-5, 5))
def test_translation_moves_only_the_origin(seed, shift):
    raw = box_cloud(200, seed)
    here, there = prepare_cloud(raw, 200, seed), prepare_cloud(raw + shift, 200, seed)
    np.testing.assert_allclose(here.points, there.points, atol=1e-6)
    np.testing.assert_allclose(here.origin + shift, there.origin, atol=1e-9)


def test_batched_centring_is_the_one_that_prepares_clouds():
    prepared = prepare_cloud(box_cloud(900), 128)
    again, centres = centre_on_box(torch.from_numpy(prepared.points)[None].double() + torch.from_numpy(prepared.origin))
    np.testing.assert_allclose(again[0].numpy(), prepared.points, atol=1e-7)
    np.testing.assert_allclose(centres[0].numpy(), prepared.origin, atol=1e-7)


def test_centring_by_hand():
    points = torch.tensor([[[0.0, 0, 0], [2, 0, 1], [1, 1, 0]], [[5.0, 5, 5], [5, 5, 5], [5, 5, 9]]])
    centred, centres = centre_on_box(points)
    assert centres.tolist() == [[1.0, 0.5, 0.5], [5.0, 5.0, 7.0]]
    assert torch.equal(centred, points - centres[:, None])


def shortest_duration_s(raw: np.ndarray) -> float:
    durations_s = []
    for _ in range(5):
        start = time.perf_counter()
        prepare_cloud(raw)
        durations_s.append(time.perf_counter() - start)
    return min(durations_s)


def test_fifty_thousand_points_cost_little_more_than_two_thousand():
    """About 20 ms against 16 ms on an idle core; sampling all 50,000 would take over 100 ms."""
    prepare_cloud(box_cloud(2048))  # warm-up
    assert shortest_duration_s(box_cloud(50_000)) < 3 * shortest_duration_s(box_cloud(2048))


@pytest.mark.parametrize("shape", [(0, 3), (0,), (5, 0)])
def test_no_points(shape):
    with pytest.raises(EmptyCloudError, match="has no points"):
        prepare_cloud(np.zeros(shape))


def test_too_few_points():
    with pytest.raises(EmptyCloudError, match=f"has 31 finite points of 31, at least {MIN_POINTS} are needed"):
        prepare_cloud(box_cloud(31))


def test_too_few_points_after_dropping():
    raw = box_cloud(40)
    raw[:20] = np.nan
    with pytest.raises(EmptyCloudError, match="has 20 finite points of 40"):
        prepare_cloud(raw)


def test_no_finite_point():
    with pytest.raises(NotFiniteError, match="none of the 50 points is finite"):
        prepare_cloud(np.full((50, 3), np.nan))


def test_millimetres():
    with pytest.raises(ImplausibleScaleError, match=r"120 m, .*looks like millimetres \(0.12 m\): divide by 1000"):
        prepare_cloud(box_cloud(100) * 1000)


@pytest.mark.parametrize("factor", [20.0, 1e6, 1e300])
def test_a_scene_is_too_large(factor):
    with pytest.raises(ImplausibleScaleError, match="more than the 1 m of an object"):
        prepare_cloud(box_cloud(100) * factor)


@pytest.mark.parametrize("factor", [0.04, 0.0])
def test_too_small(factor):
    with pytest.raises(ImplausibleScaleError, match=r"less than 0\.005 m"):
        prepare_cloud(box_cloud(100) * factor)


def test_sizes_at_the_bounds_are_accepted():
    for side_m in (0.0051, 0.999):
        assert prepare_cloud(box_cloud(100) * (side_m / 0.12), 64).points.shape == (64, 3)


@pytest.mark.parametrize(
    "points",
    [np.zeros((50, 4)), np.zeros(150), np.zeros((2, 25, 3)), np.zeros((50, 3), complex), np.full((50, 3), "1.0")],
    ids=["four_columns", "flat", "batched", "complex", "text"],
)
def test_other_arrays_are_refused(points):
    with pytest.raises(CloudFieldsError, match=r"must be an array \[N, 3\] of real numbers"):
        prepare_cloud(points)


def test_no_points_asked_for():
    with pytest.raises(ConfigurationError, match="num_points must be at least 1, got 0"):
        prepare_cloud(box_cloud(100), 0)
