import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from funcgrasp_core.geometry.hand_object_terms import contact_distances, penetration_depths
from funcgrasp_core.geometry.rotations import axis_angle_to_matrix
from funcgrasp_core.geometry.surface_distance import vertex_normals
from funcgrasp_core.hand.joint_limits import (
    JOINT_LOWER_RAD,
    JOINT_UPPER_RAD,
    axis_angle_from_joint_angles,
    joint_bases,
)
from funcgrasp_core.hand.mano_layer import ManoLayer

SPHERE_RADIUS_M = 0.03


def sphere(num_vertices: int = 800) -> torch.Tensor:
    """Fibonacci points on the unit sphere [1, V, 3]; they are their own normals."""
    index = torch.arange(num_vertices, dtype=torch.float64) + 0.5
    height, angle = 1 - 2 * index / num_vertices, index * torch.pi * (1 + 5**0.5)
    ring = (1 - height**2).sqrt()
    return torch.stack([ring * angle.cos(), ring * angle.sin(), height], dim=-1)[None]


def points_at(radii_m: torch.Tensor, seed: int) -> torch.Tensor:
    directions = torch.randn(len(radii_m), 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return (radii_m[:, None] * torch.nn.functional.normalize(directions, dim=-1))[None]


def test_depth_in_a_sphere():
    normals = sphere()
    radii_m = torch.linspace(0.012, 0.05, 200, dtype=torch.float64)
    depths = penetration_depths(points_at(radii_m, 0), normals * SPHERE_RADIUS_M, normals)[0]
    expected = (SPHERE_RADIUS_M - radii_m).clamp_min(0)
    assert (depths - expected).abs().max() < 0.3e-3
    assert torch.equal(depths[radii_m > SPHERE_RADIUS_M], torch.zeros_like(depths[radii_m > SPHERE_RADIUS_M]))


def test_points_between_two_spheres_are_outside():
    """Where another surface is near, as between two fingers."""
    normals = sphere()
    apart = torch.tensor([SPHERE_RADIUS_M + 0.001, 0.0, 0.0], dtype=torch.float64)
    vertices = torch.cat([normals * SPHERE_RADIUS_M + apart, normals * SPHERE_RADIUS_M - apart], dim=1)
    disc = torch.randn(1, 300, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64) * 0.008
    disc[..., 0] = 0.0
    assert penetration_depths(disc, vertices, normals.repeat(1, 2, 1)).max() == 0


def test_points_beyond_an_open_rim_are_outside():
    """A half sphere without its lid: below the rim is as much outside as the open wrist's forearm side."""
    normals = sphere(1600)
    upper = normals[:, normals[0, :, 2] > 0]
    below = torch.rand(1, 300, 3, generator=torch.Generator().manual_seed(2), dtype=torch.float64) - 0.5
    below = below * torch.tensor([0.06, 0.06, 0.02], dtype=torch.float64) - torch.tensor([0.0, 0.0, 0.025])
    assert penetration_depths(below, upper * SPHERE_RADIUS_M, upper).max() == 0


@pytest.mark.parametrize("wrist", ["closed", "open"])
def test_depth_agrees_with_the_exact_surface_of_the_hand(wrist):
    open3d = pytest.importorskip("open3d")
    layer = ManoLayer()
    generator = torch.Generator().manual_seed(0)
    lower, upper = torch.as_tensor(JOINT_LOWER_RAD), torch.as_tensor(JOINT_UPPER_RAD)
    angles = lower + (upper - lower) * (0.35 + 0.3 * torch.rand(4, 15, 3, generator=generator))
    pose = torch.zeros(4, 48)
    pose[:, 3:] = axis_angle_from_joint_angles(angles, joint_bases(layer.assets).to(angles)).reshape(4, 45)
    vertices = layer(pose, torch.zeros(4, 10)).vertices
    low, high = vertices.amin(1, keepdim=True) - 0.012, vertices.amax(1, keepdim=True) + 0.012
    points = low + (high - low) * torch.rand(4, 5000, 3, generator=generator)
    signed = []
    for hand_vertices, hand_points in zip(vertices, points, strict=True):
        scene = open3d.t.geometry.RaycastingScene(nthreads=1)
        scene.add_triangles(hand_vertices.numpy(), layer.closed_faces.numpy().astype(np.uint32))
        query = open3d.core.Tensor(hand_points.numpy())
        signed.append(torch.from_numpy(scene.compute_signed_distance(query, nthreads=1, nsamples=5).numpy()))
    signed_distances = torch.stack(signed)

    faces = layer.closed_faces if wrist == "closed" else layer.faces
    depths = penetration_depths(points, vertices, vertex_normals(vertices, faces))
    inside, deep, outside = signed_distances < 0, signed_distances < -0.002, signed_distances > 0.002
    errors = (depths + signed_distances)[inside].abs()
    assert inside.sum() > 1500
    assert errors.mean() < 0.7e-3
    assert errors.quantile(0.95) < 2.2e-3
    assert (depths[deep] == 0).float().mean() < 0.03
    assert (depths[outside] > 0).float().mean() < (0.0005 if wrist == "closed" else 0.002)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**31 - 1))
def test_depth_ignores_rigid_motion_and_the_order_of_vertices(seed):
    generator = torch.Generator().manual_seed(seed)
    normals = sphere(300)
    points = points_at(torch.linspace(0.015, 0.04, 40, dtype=torch.float64), seed)
    order = torch.randperm(300, generator=generator)
    rotation = axis_angle_to_matrix(3 * torch.randn(3, generator=generator, dtype=torch.float64))
    depths = penetration_depths(points, normals * SPHERE_RADIUS_M, normals)
    moved_vertices = (normals * SPHERE_RADIUS_M @ rotation.T + 0.2)[:, order]
    moved = penetration_depths(points @ rotation.T + 0.2, moved_vertices, (normals @ rotation.T)[:, order])
    assert torch.allclose(depths, moved, atol=1e-9)


def test_depth_has_gradients_that_lead_out():
    normals = sphere(300)
    points = points_at(torch.tensor([0.020, 0.025, 0.035], dtype=torch.float64), 3).requires_grad_()
    vertices = (normals * SPHERE_RADIUS_M).requires_grad_()
    assert torch.autograd.gradcheck(lambda p, v: penetration_depths(p, v, normals), (points, vertices))
    penetration_depths(points, vertices, normals).sum().backward()
    outward = torch.nn.functional.normalize(points.detach(), dim=-1)
    assert ((-points.grad * outward).sum(-1)[0, :2] > 0.8).all(), "moving a point outward makes it less deep"
    assert torch.equal(points.grad[0, 2], torch.zeros(3, dtype=torch.float64))


def test_depth_at_a_vertex_is_finite_with_its_gradient():
    normals = sphere(300)
    points = (normals[:, :5] * SPHERE_RADIUS_M).clone().requires_grad_()
    depths = penetration_depths(points, normals * SPHERE_RADIUS_M, normals)
    depths.sum().backward()
    assert depths.abs().max() < 1e-4
    assert torch.isfinite(points.grad).all()


def test_contact_distances_match_numpy():
    generator = torch.Generator().manual_seed(4)
    vertices, points = torch.rand(2, 9, 3, generator=generator), torch.rand(2, 13, 3, generator=generator)
    every = np.linalg.norm(vertices.numpy()[:, :, None] - points.numpy()[:, None], axis=-1)
    np.testing.assert_allclose(contact_distances(vertices, points).numpy(), every.min(-1), atol=1e-6)
