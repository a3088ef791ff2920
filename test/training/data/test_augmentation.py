import math

import torch

from funcgrasp_core.grasp_model.sample_random import SampleRandom
from funcgrasp_core.hand.mano_layer import ManoLayer
from training.data.augmentation import (
    AugmentationConfig,
    add_noise,
    augment_views,
    random_turns,
    select_points,
    turn_and_centre,
)

ALWAYS_CUT = AugmentationConfig(partial_probability=1.0, largest_cut=0.4)


def streams(count: int) -> SampleRandom:
    return SampleRandom(range(count))


def test_turning_and_centring_keeps_distances_between_hand_and_object():
    layer = ManoLayer()
    points, vectors = 0.1 * torch.randn(2, 50, 3), 0.3 * torch.randn(2, 3, 61)
    rotation = random_turns(torch.tensor([0.3, 2.0]), AugmentationConfig(), streams(2))
    centred, turned = turn_and_centre(points, vectors, rotation)
    assert torch.allclose(centred.amax(1), -centred.amin(1), atol=1e-6)
    before = torch.cdist(points.repeat_interleave(3, 0), layer.from_vector(vectors.flatten(0, 1)).vertices)
    after = torch.cdist(centred.repeat_interleave(3, 0), layer.from_vector(turned.flatten(0, 1)).vertices)
    assert torch.allclose(before, after, atol=1e-4)


def test_turns_keep_z_up_but_for_a_small_tilt():
    turns = random_turns(torch.linspace(0, 6, 500), AugmentationConfig(tilt_rad=math.radians(4)), streams(500))
    tilt = torch.acos(turns[:, 2, 2].clamp(-1, 1))
    assert math.radians(3) < float(tilt.square().mean().sqrt()) < math.radians(8)
    upright = random_turns(torch.zeros(5), AugmentationConfig(tilt_rad=0.0, yaw_jitter_rad=0.0), streams(5))
    assert torch.allclose(upright, torch.eye(3).expand(5, 3, 3))


def test_selection_follows_the_order_and_cut_clouds_miss_one_side():
    points = torch.randn(20, 400, 3)
    order = torch.stack([torch.randperm(400) for _ in range(20)])
    whole = select_points(points, order, 200, AugmentationConfig(partial_probability=0.0), streams(20))
    assert torch.equal(whole, order[:, :200])
    selected = select_points(points, order, 200, ALWAYS_CUT, streams(20))
    assert all(len(row.unique()) == 200 for row in selected)
    kept = points.gather(1, selected[..., None].expand(-1, -1, 3))
    kept_whole = points.gather(1, whole[..., None].expand(-1, -1, 3))
    assert kept.mean(dim=1).norm(dim=-1).mean() > 1.5 * kept_whole.mean(dim=1).norm(dim=-1).mean()


def test_noise_stays_below_its_largest_deviation():
    noisy = add_noise(torch.zeros(200, 100, 3), AugmentationConfig(noise_m=0.002), streams(200))
    deviations = noisy.std(dim=(1, 2))
    assert float(deviations.max()) < 0.0022
    assert abs(float(deviations.mean()) - 0.001) < 2e-4


def test_views_are_dropped_as_often_as_asked():
    config = AugmentationConfig(no_view_probability=0.3, view_dropout=0.15)
    images, mask = torch.full((4000, 6, 3, 1, 1), 0.5), torch.ones(4000, 6, dtype=torch.bool)
    changed, kept = augment_views(images, mask, config, streams(4000))
    assert abs(float(kept.any(dim=1).float().mean()) - 0.7) < 0.03
    assert abs(float(kept[kept.any(dim=1)].float().mean()) - 0.85) < 0.02
    assert float(changed.min()) >= 0.5 * 0.7 - 1e-6
    assert float(changed.max()) <= 0.5 * 1.3 + 1e-6
