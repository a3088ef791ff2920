import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from funcgrasp_core.errors import ConfigurationError
from funcgrasp_core.geometry.rotations import axis_angle_to_matrix
from funcgrasp_core.geometry.surface_distance import nearest_distances, pairwise_distances, vertex_normals

TETRAHEDRON_VERTICES = torch.tensor([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], dtype=torch.float64)
TETRAHEDRON_FACES = torch.tensor([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])


def random_points(seed: int, *shape: int) -> torch.Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_pairwise_distances_match_loops():
    first, second = random_points(0, 2, 7, 3), random_points(1, 2, 5, 3)
    distances = pairwise_distances(first, second)
    for b in range(2):
        for n in range(7):
            for m in range(5):
                assert distances[b, n, m] == pytest.approx(float(np.linalg.norm(first[b, n] - second[b, m])), abs=1e-12)


def test_pairwise_distances_resolve_micrometres_a_metre_from_the_origin():
    first = torch.full((1, 30, 3), 1.0)
    second = first + torch.tensor([2e-5, 0.0, 0.0])
    assert torch.allclose(pairwise_distances(first, second), torch.tensor(2e-5), atol=1e-6)


@pytest.mark.parametrize("max_entries", [1, 60, 2**24])
def test_nearest_distances_match_numpy_for_any_chunk(max_entries):
    first, second = random_points(2, 3, 17, 3), random_points(3, 3, 9, 3)
    distances, indices = nearest_distances(first, second, max_entries)
    every = np.linalg.norm(first.numpy()[:, :, None] - second.numpy()[:, None], axis=-1)
    np.testing.assert_allclose(distances.numpy(), every.min(-1), atol=1e-12)
    np.testing.assert_array_equal(indices.numpy(), every.argmin(-1))


def test_nearest_distances_have_gradients_in_both_sets():
    first, second = random_points(4, 1, 6, 3).requires_grad_(), random_points(5, 1, 4, 3).requires_grad_()
    assert torch.autograd.gradcheck(lambda a, b: nearest_distances(a, b)[0], (first, second))


def test_nearest_distances_have_a_zero_gradient_at_coincident_points():
    points = random_points(6, 1, 5, 3).requires_grad_()
    nearest_distances(points, points.detach().clone())[0].sum().backward()
    assert torch.equal(points.grad, torch.zeros_like(points))


def test_nearest_distances_refuse_an_empty_set():
    with pytest.raises(ConfigurationError, match="to_points is empty"):
        nearest_distances(torch.rand(1, 4, 3), torch.rand(1, 0, 3))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**31 - 1))
def test_nearest_distances_ignore_rigid_motion(seed):
    first, second = random_points(seed, 1, 12, 3), random_points(seed + 1, 1, 8, 3)
    rotation, shift = axis_angle_to_matrix(random_points(seed + 2, 3) * 3), random_points(seed + 3, 3)
    distances, indices = nearest_distances(first, second)
    moved, moved_indices = nearest_distances(first @ rotation.T + shift, second @ rotation.T + shift)
    assert torch.allclose(distances, moved, atol=1e-12)
    assert torch.equal(indices, moved_indices)


def test_vertex_normals_of_a_tetrahedron_by_hand():
    normals = vertex_normals(TETRAHEDRON_VERTICES[None], TETRAHEDRON_FACES)[0]
    diagonal = torch.ones(3, dtype=torch.float64) / 3**0.5
    assert torch.allclose(normals[0], -diagonal)
    # vertex 1: doubled-area normals (0, 0, -1), (0, -1, 0) and (1, 1, 1) sum to (1, 0, 0)
    assert torch.allclose(normals[1], torch.tensor([1.0, 0, 0], dtype=torch.float64))


def test_vertex_normals_turn_with_the_mesh_and_are_zero_without_faces():
    rotation = axis_angle_to_matrix(torch.tensor([0.3, -1.0, 2.0], dtype=torch.float64))
    vertices = torch.cat([TETRAHEDRON_VERTICES, torch.tensor([[9.0, 9, 9]], dtype=torch.float64)])[None]
    normals = vertex_normals(vertices, TETRAHEDRON_FACES)
    turned = vertex_normals(vertices @ rotation.T + 1.0, TETRAHEDRON_FACES)
    assert torch.allclose(turned, normals @ rotation.T, atol=1e-12)
    assert torch.equal(normals[0, 4], torch.zeros(3, dtype=torch.float64))


def test_vertex_normals_have_gradients():
    vertices = TETRAHEDRON_VERTICES[None].clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda points: vertex_normals(points, TETRAHEDRON_FACES), (vertices,))
