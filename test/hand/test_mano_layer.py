import importlib.util
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from slow_mano import pose_hand, random_pose

from funcgrasp_core.errors import ConfigurationError, MissingDependencyError
from funcgrasp_core.geometry.rotations import axis_angle_to_matrix, matrix_to_axis_angle
from funcgrasp_core.hand.hand_layer_factory import build_hand_layer
from funcgrasp_core.hand.mano_layer import ManoLayer, close_wrist

HAS_MANOTORCH = importlib.util.find_spec("manotorch") is not None
MANO_PICKLE = os.environ.get("MANO_RIGHT_PKL", "")


@pytest.fixture(scope="module")
def layer() -> ManoLayer:
    return ManoLayer()


def random_hands(count: int, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    generator = np.random.default_rng(seed)
    poses = np.stack([random_pose(generator) for _ in range(count)])
    return torch.as_tensor(poses), torch.as_tensor(generator.normal(size=(count, 10)))


@pytest.mark.parametrize("num_hands", [1, 5])
def test_equals_the_slow_version(num_hands):
    layer = ManoLayer(center_idx=None)
    poses, shapes = random_hands(num_hands)
    fast = layer(poses, shapes)
    assert fast.vertices.shape == (num_hands, 778, 3)
    assert fast.joints.shape == (num_hands, 21, 3)
    assert fast.transforms.shape == (num_hands, 16, 4, 4)
    for hand in range(num_hands):
        vertices, joints, transforms = pose_hand(layer.assets, poses[hand].numpy(), shapes[hand].numpy())
        np.testing.assert_allclose(fast.vertices[hand], vertices, atol=1e-6, rtol=0)
        np.testing.assert_allclose(fast.joints[hand], joints, atol=1e-6, rtol=0)
        np.testing.assert_allclose(fast.transforms[hand], transforms, atol=1e-6, rtol=0)


def test_rest_pose_is_the_template_around_the_wrist(layer):
    geometry = layer(torch.zeros(1, 48), torch.zeros(1, 10))
    expected = layer.assets.v_template - layer.assets.rest_joints[0]
    np.testing.assert_allclose(geometry.vertices[0], expected, atol=1e-6)


def test_gradients_are_right(layer):
    poses, shapes = random_hands(2)
    poses[1, 3:6] = 0

    def some_points(pose, shape):
        geometry = layer(pose, shape)
        return geometry.vertices[:, ::97], geometry.joints, geometry.transforms[:, ::5]

    assert torch.autograd.gradcheck(some_points, (poses.requires_grad_(), shapes.requires_grad_()), atol=1e-7)


def test_turning_the_hand_turns_every_point(layer):
    poses, shapes = random_hands(3)
    turn = axis_angle_to_matrix(torch.tensor([0.4, -1.1, 0.7], dtype=torch.float64))
    turned_poses = poses.clone()
    turned_poses[:, :3] = matrix_to_axis_angle(turn @ axis_angle_to_matrix(poses[:, :3]))
    before, after = layer(poses, shapes), layer(turned_poses, shapes)
    # Skin weights in single precision sum to one only within 6e-8.
    torch.testing.assert_close(after.vertices, before.vertices @ turn.T, atol=1e-8, rtol=0)
    torch.testing.assert_close(after.joints, before.joints @ turn.T, atol=1e-8, rtol=0)
    torch.testing.assert_close(after.transforms[..., :3, :3], turn @ before.transforms[..., :3, :3])


def test_vector_places_the_wrist_and_moves_with_it(layer):
    poses, shapes = random_hands(2)
    translation = torch.tensor([[0.1, -0.2, 0.3], [0.0, 0.5, 0.0]], dtype=torch.float64)
    placed = layer.from_vector(torch.cat([poses, shapes, translation], dim=1))
    torch.testing.assert_close(placed.joints[:, 0], translation)
    centred = layer(poses, shapes)
    torch.testing.assert_close(placed.vertices, centred.vertices + translation[:, None])
    torch.testing.assert_close(placed.transforms[:, 0, :3, 3], translation)


@pytest.mark.parametrize("center_idx", [0, 9, 20])
def test_centre_joint_becomes_the_origin(center_idx):
    poses, shapes = random_hands(2)
    centred = ManoLayer(center_idx=center_idx)(poses, shapes)
    own_origin = ManoLayer(center_idx=None)(poses, shapes)
    torch.testing.assert_close(centred.joints[:, center_idx], torch.zeros(2, 3, dtype=torch.float64))
    shift = own_origin.joints[:, [center_idx]]
    torch.testing.assert_close(centred.vertices, own_origin.vertices - shift)
    torch.testing.assert_close(centred.transforms[..., :3, 3], own_origin.transforms[..., :3, 3] - shift)


def test_mean_pose_is_added_unless_flat():
    poses, shapes = random_hands(2)
    relaxed = ManoLayer(flat_hand_mean=False)
    with_mean = poses.clone()
    with_mean[:, 3:] += torch.as_tensor(relaxed.assets.hands_mean)
    expected = ManoLayer()(with_mean, shapes).vertices
    torch.testing.assert_close(relaxed(poses, shapes).vertices, expected, atol=1e-6, rtol=0)
    # A vector always means a flat-mean pose.
    vectors = torch.cat([poses, shapes, torch.zeros(2, 3)], dim=1)
    torch.testing.assert_close(relaxed.from_vector(vectors).vertices, ManoLayer().from_vector(vectors).vertices)


def test_dtype_follows_the_input_and_half_is_raised(layer):
    poses, shapes = random_hands(2)
    in_double = layer(poses, shapes)
    in_single = layer(poses.float(), shapes.float())
    assert in_double.vertices.dtype == torch.float64
    assert in_single.vertices.dtype == torch.float32
    assert layer(poses.half(), shapes.half()).vertices.dtype == torch.float32
    torch.testing.assert_close(in_single.vertices.double(), in_double.vertices, atol=1e-5, rtol=0)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_device_follows_the_input(layer):
    poses, shapes = random_hands(2)
    on_gpu = layer(poses.cuda(), shapes.cuda()).vertices
    assert on_gpu.is_cuda
    torch.testing.assert_close(on_gpu.cpu(), layer(poses, shapes).vertices)


def test_autocast_does_not_coarsen_the_hand(layer):
    poses, shapes = random_hands(2)
    expected = layer(poses.float(), shapes.float()).vertices
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(layer(poses.float(), shapes.float()).vertices, expected)


def test_hands_of_a_batch_do_not_mix(layer):
    poses, shapes = random_hands(4)
    together = layer(poses, shapes).vertices
    alone = torch.cat([layer(poses[[hand]], shapes[[hand]]).vertices for hand in range(4)])
    torch.testing.assert_close(together, alone)


def test_closed_wrist_has_every_edge_twice_in_opposite_directions(layer):
    faces = layer.closed_faces
    assert faces.shape == (1552, 3)
    assert torch.equal(faces[:1538], layer.faces)
    edges = torch.cat([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]).tolist()
    directed = {tuple(edge) for edge in edges}
    assert len(directed) == len(edges)
    assert all((end, start) in directed for start, end in directed)


def test_lid_of_a_pyramid():
    sides = torch.tensor([[0, 1, 4], [1, 2, 4], [2, 3, 4], [3, 0, 4]])
    assert close_wrist(sides)[4:].tolist() == [[0, 3, 2], [0, 2, 1]]


def test_factory_refuses_what_it_cannot_do(tmp_path):
    with pytest.raises(ConfigurationError, match="choose 'native' or 'manotorch'"):
        build_hand_layer(backend="other")  # pyright: ignore[reportArgumentType]
    with pytest.raises(ConfigurationError, match=r"needs MANO's own pickle"):
        build_hand_layer(backend="manotorch")


@pytest.mark.skipif(HAS_MANOTORCH, reason="manotorch is installed here")
def test_missing_manotorch_is_named(mano_pickle_path):
    with pytest.raises(MissingDependencyError, match="Install manotorch"):
        build_hand_layer(mano_pickle_path, backend="manotorch")


@pytest.mark.skipif(not HAS_MANOTORCH, reason="manotorch is not installed")
@pytest.mark.skipif(not MANO_PICKLE, reason="MANO_RIGHT_PKL does not name MANO's file")
@pytest.mark.parametrize("flat_hand_mean", [True, False])
def test_equals_manotorch(flat_hand_mean):
    poses, shapes = (values.float() for values in random_hands(4))
    native = build_hand_layer(Path(MANO_PICKLE), flat_hand_mean=flat_hand_mean)(poses, shapes)
    theirs = build_hand_layer(Path(MANO_PICKLE), backend="manotorch", flat_hand_mean=flat_hand_mean)(poses, shapes)
    torch.testing.assert_close(native.vertices, theirs.vertices, atol=1e-5, rtol=0)
    torch.testing.assert_close(native.joints, theirs.joints, atol=1e-5, rtol=0)
    torch.testing.assert_close(native.transforms, theirs.transforms, atol=1e-5, rtol=0)


def test_left_hand_uses_its_own_middle_tip(layer):
    left = ManoLayer(replace(layer.assets, side="left"), center_idx=None)(torch.zeros(1, 48), torch.zeros(1, 10))
    torch.testing.assert_close(left.joints[0, 12], left.vertices[0, 445])
