import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch_geometric.nn import PointNetConv

from funcgrasp_core.errors import ConfigurationError
from funcgrasp_core.geometry.point_sampling import (
    ball_query,
    bipartite_edge_index,
    farthest_point_sampling,
    gather_points,
    interpolate_features,
    k_nearest,
)
from funcgrasp_core.geometry.rotations import axis_angle_to_matrix

seeds = st.integers(0, 2**31 - 1)


def random_points(seed: int, *shape: int, dtype: torch.dtype = torch.float64) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def farthest_points_by_loops(points: np.ndarray, num_samples: int, start: int) -> list[int]:
    chosen = [start]
    while len(chosen) < num_samples:
        best, best_distance = -1, -1.0
        for index, point in enumerate(points):
            distance = min(float(np.sum((point - points[other]) ** 2)) for other in chosen)
            if index not in chosen and distance > best_distance:
                best, best_distance = index, distance
        chosen.append(best)
    return chosen


def neighbours_by_loops(points: np.ndarray, query: np.ndarray) -> list[tuple[float, int]]:
    return sorted((float(np.linalg.norm(point - query)), index) for index, point in enumerate(points))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_farthest_point_sampling_matches_loops(dtype):
    points = random_points(1, 3, 40, 3, dtype=dtype)
    start = torch.tensor([0, 7, 39])
    chosen = farthest_point_sampling(points, 15, start)
    for cloud, first, indices in zip(points.double().numpy(), start.tolist(), chosen.tolist(), strict=True):
        assert indices == farthest_points_by_loops(cloud, 15, first)


def test_farthest_point_sampling_on_a_line_by_hand():
    points = torch.tensor([0.0, 1.0, 2.0, 9.0, 10.0])[None, :, None] * torch.tensor([1.0, 0.0, 0.0])
    assert farthest_point_sampling(points, 4).tolist() == [[0, 4, 2, 1]]


def test_farthest_point_sampling_takes_every_point_once_among_duplicates():
    corners = torch.tensor([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]])
    points = corners.repeat(4, 1)[None]
    chosen = farthest_point_sampling(points, 12)[0]
    assert sorted(chosen.tolist()) == list(range(12))
    assert len(torch.unique(points[0, chosen[:3]], dim=0)) == 3, "the distinct points come first"
    assert sorted(farthest_point_sampling(torch.zeros(1, 6, 3), 6)[0].tolist()) == list(range(6))


def test_farthest_point_sampling_repeats_and_leaves_its_arguments():
    points, start = random_points(2, 2, 60, 3), torch.tensor([5, 6])
    before = points.clone()
    assert torch.equal(farthest_point_sampling(points, 20, start), farthest_point_sampling(points, 20, start))
    assert torch.equal(points, before)
    assert start.tolist() == [5, 6]


@pytest.mark.parametrize("num_samples", [0, 11])
def test_farthest_point_sampling_refuses_impossible_counts(num_samples):
    with pytest.raises(ConfigurationError, match=f"between 1 and the number of points 10, got {num_samples}"):
        farthest_point_sampling(torch.rand(1, 10, 3), num_samples)


@settings(max_examples=20, deadline=None)
@given(seed=seeds)
def test_farthest_point_sampling_follows_permutation_and_rigid_motion(seed):
    points = random_points(seed, 1, 30, 3)
    chosen = farthest_point_sampling(points, 10)[0]
    order = torch.cat([torch.tensor([0]), 1 + torch.randperm(29, generator=torch.Generator().manual_seed(seed))])
    permuted = farthest_point_sampling(points[:, order], 10)[0]
    assert torch.equal(order[permuted], chosen)
    rotation = axis_angle_to_matrix(random_points(seed + 1, 3))
    assert torch.equal(farthest_point_sampling(points @ rotation.T + 0.5, 10)[0], chosen)


@pytest.mark.parametrize("radius", [0.3, torch.tensor([0.3, 0.1])])
def test_ball_query_matches_loops(radius):
    points, centres = random_points(3, 2, 50, 3), random_points(4, 2, 9, 3)
    indices, valid = ball_query(points, centres, radius, 6)
    assert indices.shape == valid.shape == (2, 9, 6)
    for b in range(2):
        limit = float(radius[b]) if isinstance(radius, torch.Tensor) else radius
        for m in range(9):
            nearest = neighbours_by_loops(points[b].numpy(), centres[b, m].numpy())[:6]
            inside = [index for distance, index in nearest if distance <= limit] or [nearest[0][1]]
            assert indices[b, m][valid[b, m]].tolist() == inside


def test_ball_query_keeps_the_nearest_point_outside_the_radius_and_shrinks_k():
    indices, valid = ball_query(torch.tensor([[[0.0, 0, 0], [5, 0, 0]]]), torch.tensor([[[9.0, 0, 0]]]), 0.1, 8)
    assert indices.tolist() == [[[1, 0]]]
    assert valid.tolist() == [[[True, False]]]


def test_ball_query_counts_a_point_on_the_sphere():
    _, valid = ball_query(torch.tensor([[[0.0, 0, 0], [0.5, 0, 0]]]), torch.zeros(1, 1, 3), 0.5, 2)
    assert valid.all()


def test_k_nearest_matches_loops(monkeypatch):
    points, queries = random_points(5, 2, 30, 3), random_points(6, 2, 11, 3)
    indices, distances = k_nearest(points, queries, 4)
    for b in range(2):
        for m in range(11):
            expected = neighbours_by_loops(points[b].numpy(), queries[b, m].numpy())[:4]
            assert indices[b, m].tolist() == [index for _, index in expected]
            assert distances[b, m].tolist() == pytest.approx([distance for distance, _ in expected], abs=1e-12)
    monkeypatch.setattr("funcgrasp_core.geometry.point_sampling.MAX_DISTANCE_ENTRIES", 130)
    chunked_indices, chunked_distances = k_nearest(points, queries, 4)
    assert torch.equal(chunked_indices, indices)
    assert torch.equal(chunked_distances, distances)


def test_k_nearest_refuses_more_than_there_are():
    with pytest.raises(ConfigurationError, match="between 1 and the number of points 3, got 4"):
        k_nearest(torch.rand(1, 3, 3), torch.rand(1, 2, 3), 4)


@settings(max_examples=20, deadline=None)
@given(seed=seeds)
def test_k_nearest_follows_rigid_motion(seed):
    points, queries = random_points(seed, 1, 25, 3), random_points(seed + 1, 1, 5, 3)
    rotation, shift = axis_angle_to_matrix(random_points(seed + 2, 3) * 3), random_points(seed + 3, 3)
    indices, distances = k_nearest(points, queries, 3)
    moved_indices, moved_distances = k_nearest(points @ rotation.T + shift, queries @ rotation.T + shift, 3)
    assert torch.equal(indices, moved_indices)
    assert torch.allclose(distances, moved_distances, atol=1e-12)


def test_gather_points_matches_indexing():
    values = random_points(7, 2, 8, 5)
    indices = torch.tensor([[[0, 3, 3], [7, 1, 2]], [[5, 5, 5], [4, 6, 0]]])
    gathered = gather_points(values, indices)
    assert gathered.shape == (2, 2, 3, 5)
    for b in range(2):
        assert torch.equal(gathered[b], values[b][indices[b]])


def test_interpolation_matches_loops():
    sources, features, queries = random_points(8, 2, 12, 3), random_points(9, 2, 12, 4), random_points(10, 2, 7, 3)
    interpolated = interpolate_features(sources, features, queries)
    for b in range(2):
        for n in range(7):
            nearest = neighbours_by_loops(sources[b].numpy(), queries[b, n].numpy())[:3]
            weights = np.array([1 / distance**2 for distance, _ in nearest])
            values = np.array([features[b, index].numpy() for _, index in nearest])
            expected = (weights[:, None] * values).sum(0) / weights.sum()
            np.testing.assert_allclose(interpolated[b, n].numpy(), expected, atol=1e-12)


def test_interpolation_by_hand():
    sources = torch.tensor([[[0.0, 0, 0], [3, 0, 0]]])
    features = torch.tensor([[[0.0], [10.0]]])
    values = interpolate_features(sources, features, torch.tensor([[[1.0, 0, 0], [3, 0, 0]]]))
    # weights 1 and 1/4; then the second query coincides with a source
    assert values[0, :, 0].tolist() == pytest.approx([2.0, 10.0])


def test_interpolation_carries_gradient_to_features():
    sources, queries = random_points(11, 1, 6, 3), random_points(12, 1, 4, 3)
    features = random_points(13, 1, 6, 2).requires_grad_()
    assert torch.autograd.gradcheck(lambda values: interpolate_features(sources, values, queries), (features,))


def test_edges_are_flattened_over_the_batch():
    indices = torch.tensor([[[2, 0], [1, 1]], [[0, 1], [2, 0]]])
    valid = torch.tensor([[[True, True], [True, False]], [[True, False], [True, True]]])
    edges = bipartite_edge_index(indices, valid, num_source=3)
    assert edges.tolist() == [[2, 0, 1, 3, 5, 3], [0, 0, 1, 2, 3, 3]]


def test_edge_order_is_the_one_that_point_net_conv_takes():
    along_x = torch.tensor([1.0, 0.0, 0.0])
    points = torch.tensor([0.0, 1.0, 3.0])[:, None] * along_x
    features = torch.tensor([[10.0], [20.0], [30.0]])
    centres = points[[2, 0, 1]]
    indices, valid = ball_query(points[None], centres[None], 1.5, 3)
    edges = bipartite_edge_index(indices, valid, num_source=3)
    conv = PointNetConv(add_self_loops=False)
    # messages are (feature, point - centre), reduced by max: the centre at 3 has itself as only neighbour,
    # the one at 0 has the points at 0 and 1, the one at 1 the same two
    expected = torch.tensor([[30.0, 0, 0, 0], [20, 1, 0, 0], [20, 0, 0, 0]])
    assert torch.equal(conv((features, None), (points, centres), edges), expected)
    swapped = conv((features, None), (points, centres), edges.flip(0))
    assert swapped[1].tolist() == [30, 3, 0, 0], "the swapped order runs without error and is wrong"
