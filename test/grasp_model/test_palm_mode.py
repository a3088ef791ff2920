from contextlib import nullcontext

import torch

from funcgrasp_core.grasp_model import grasp_model
from funcgrasp_core.grasp_model.grasp_model import build_grasp_model
from funcgrasp_core.grasp_model.named_configs import DEBUG
from funcgrasp_core.grasp_model.palm_mode import PalmFrame, PalmPoses
from funcgrasp_core.grasp_model.sample_random import SampleRandom
from funcgrasp_core.hand.mano_layer import ManoLayer


def some_vectors(*shape: int) -> torch.Tensor:
    torch.manual_seed(0)
    return torch.randn(*shape, 61) * torch.cat([torch.full((3,), 1.0), torch.full((58,), 0.2)])


def test_palm_lies_on_the_hand_and_faces_away_from_its_back():
    layer = ManoLayer()
    palm = PalmFrame.of_hand(layer.assets)
    vectors = some_vectors(5)
    vectors[:, 48:58] = 0
    poses = palm.poses_of(vectors)
    hand = layer.from_vector(vectors)
    distance = torch.cdist(poses.centre[:, None], hand.vertices).amin(dim=-1)
    assert distance.max() < 0.01
    outward, middle_knuckle = poses.rotation[:, :, 1], hand.joints[:, 9]
    assert ((poses.centre - middle_knuckle) * outward).sum(dim=-1).min() > 0
    assert torch.allclose(torch.linalg.det(poses.rotation), torch.ones(5), atol=1e-5)


def test_vectors_return_from_the_palm_frame():
    vectors = some_vectors(4, 3)
    poses = PalmFrame.of_hand(ManoLayer().assets).poses_of(some_vectors(3, 4).transpose(0, 1) * 0.7)
    returned = poses.vectors_in_object(poses.vectors_in_palm(vectors))
    layer = ManoLayer()
    expected = layer.from_vector(vectors.flatten(0, 1)).vertices
    assert torch.allclose(layer.from_vector(returned.flatten(0, 1)).vertices, expected, atol=1e-5)


def test_hand_and_points_keep_their_distances_in_the_palm_frame():
    layer = ManoLayer()
    vectors, points = some_vectors(2, 3), torch.randn(2, 10, 3) * 0.1
    poses = PalmFrame.of_hand(layer.assets).poses_of(vectors).disturbed(0.01, 0.2, SampleRandom([1, 2]))
    in_object = torch.cdist(
        points[:, None].expand(-1, 3, -1, -1).flatten(0, 1), layer.from_vector(vectors.flatten(0, 1)).vertices
    )
    in_palm = torch.cdist(
        poses.points_in_palm(points).flatten(0, 1),
        layer.from_vector(poses.vectors_in_palm(vectors).flatten(0, 1)).vertices,
    )
    assert torch.allclose(in_object, in_palm, atol=1e-4)


def test_mode_round_trip_and_noise_scale():
    poses = PalmFrame.of_hand(ManoLayer().assets).poses_of(some_vectors(2000))
    back = PalmPoses.from_mode(poses.to_mode())
    assert torch.allclose(back.rotation, poses.rotation, atol=1e-5)
    noisy = poses.disturbed(0.008, 0.0, SampleRandom(range(2000)))
    assert torch.allclose(noisy.rotation, poses.rotation, atol=1e-6)
    deviation = (noisy.centre - poses.centre).std()
    assert abs(float(deviation) - 0.008 / 3**0.5) < 4e-4  # the scale is uniform in [0, 1]: its mean square is 1/3


def test_targets_are_fitted_to_grasps_of_another_device(monkeypatch):
    monkeypatch.setattr(grasp_model, "full_precision", lambda tensor: nullcontext())  # knows no meta tensors
    model = build_grasp_model(DEBUG).to("meta")
    model.fit_targets(torch.zeros(5, 61))  # from the CPU; an operation across devices would be refused
    assert model.targets.mean.is_meta
