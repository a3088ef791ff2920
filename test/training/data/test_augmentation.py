"""Every field changes what it should, nothing else, the same for the same stream, and nothing at all at zero."""

import dataclasses
import math

import pytest
import torch

from funcgrasp_core.contracts import VIEW_SLOTS
from funcgrasp_core.errors import ConfigurationError
from funcgrasp_core.grasp_model.sample_random import SampleRandom
from funcgrasp_core.grasp_model.semantic_encoder import ViewImages
from funcgrasp_core.hand.mano_layer import ManoLayer
from funcgrasp_core.preprocessing.object_views import float_views
from training.data.augmentation import (
    OFF,
    AugmentationConfig,
    add_noise,
    change_brightness,
    drop_views,
    hidden_points,
    random_gains,
    random_scales,
    random_turns,
    select_points,
    turn_vectors,
)
from training.data.grasp_distances import GraspDistances
from training.data.observation_store import GraspGroup, ObservationBatch, ObservationStore
from training.data.point_visibility import camera_above, visible_points

NUM_POINTS = 96
ON = {
    "random_yaw": True,
    "yaw_jitter_rad": 0.3,
    "tilt_rad": 0.1,
    "scale": 0.03,
    "noise_m": 0.002,
    "partial_probability": 1.0,
    "single_view_probability": 1.0,
    "largest_point_dropout": 0.5,
    "no_view_probability": 1.0,
    "view_dropout": 0.9,
    "brightness": 0.5,
}
"""Each field that can be switched on by itself; largest_cut needs partial_probability."""

CHANGED = {
    "random_yaw": {"points", "vectors", "images"},
    "yaw_jitter_rad": {"points", "vectors"},
    "tilt_rad": {"points", "vectors"},
    "scale": {"points", "vectors", "distances"},
    "noise_m": {"points"},
    "partial_probability": {"points", "distances"},
    "single_view_probability": {"points", "distances"},
    "largest_point_dropout": {"points", "distances"},
    "no_view_probability": {"mask"},
    "view_dropout": {"mask"},
    "brightness": {"images"},
}


def streams(count: int) -> SampleRandom:
    return SampleRandom(range(count))


@pytest.fixture(scope="module")
def store() -> ObservationStore:
    generator = torch.Generator().manual_seed(0)
    directions = torch.nn.functional.normalize(torch.randn(2, 256, 3, generator=generator), dim=-1)
    clouds = directions * torch.tensor([0.03, 0.04, 0.06])
    vectors = 0.2 * torch.randn(4, 61, generator=generator)
    vectors[:, 58:] *= 0.25
    distances_of = GraspDistances(ManoLayer())
    return ObservationStore(
        clouds,
        torch.stack([torch.randperm(256, generator=generator) for _ in range(2)]).view(2, 1, 256),
        torch.randint(1, 200, (2, 3, len(VIEW_SLOTS), 4, 4, 3), generator=generator, dtype=torch.uint8),
        torch.ones(2, 3, len(VIEW_SLOTS), dtype=torch.bool),
        torch.tensor([0.0, 0.5, 1.0]),
        vectors,
        distances_of(clouds.repeat_interleave(2, 0), vectors),
        (GraspGroup(0, "mug", "use", torch.tensor([0, 1])), GraspGroup(1, "bowl", "hold", torch.tensor([2, 3]))),
        origin="mesh",
        grasp_distances=distances_of,
    )


def draw(store: ObservationStore, config: AugmentationConfig, seeds=(1, 2, 3, 4), items=(0, 1, 0, 1)):
    return store.draw(items, 2, NUM_POINTS, 64, config, lambda *_: ("take it", "hold it"), SampleRandom(seeds))


def parts(batch: ObservationBatch) -> dict[str, torch.Tensor]:
    assert isinstance(batch.views, ViewImages)
    return {
        "points": batch.points,
        "vectors": batch.vectors,
        "distances": batch.contact_distances,
        "images": batch.views.images,
        "mask": batch.views.mask,
    }


def test_everything_off_gives_what_is_stored(store):
    batch = draw(store, OFF, items=(0, 1, 0, 1))
    for sample, item in enumerate((0, 1, 0, 1)):
        selected = store.orders[item][0][:NUM_POINTS]
        assert torch.equal(batch.points[sample], store.clouds[item][selected])
        for vector, distances in zip(batch.vectors[sample], batch.contact_distances[sample], strict=True):
            grasp = int((store.vectors == vector).all(dim=1).nonzero())
            assert torch.equal(distances, store.distances[grasp][selected[:64]])
        assert torch.equal(parts(batch)["images"][sample], float_views(store.views[item][0]))
    assert parts(batch)["mask"].all()


@pytest.mark.parametrize("field", ON)
def test_each_field_changes_what_it_should_and_nothing_else(store, field):
    plain, changed = (
        parts(draw(store, config)) for config in (OFF, dataclasses.replace(OFF, largest_cut=0.3, **{field: ON[field]}))
    )
    different = {name for name in plain if not torch.equal(plain[name], changed[name])}
    assert different == CHANGED[field]


def test_every_field_is_covered():
    assert {field.name for field in dataclasses.fields(AugmentationConfig)} == {*ON, "largest_cut"}


@pytest.mark.parametrize("field", ON)
def test_a_sample_depends_on_its_seed_alone(store, field):
    config = dataclasses.replace(OFF, largest_cut=0.3, **{field: ON[field]})
    batch = parts(draw(store, config))
    alone = parts(draw(store, config, seeds=(3,), items=(0,)))
    other = parts(draw(store, config, seeds=(13, 14, 15, 16)))
    for name in batch:
        # Products of matrices round otherwise in other batches.
        assert torch.allclose(batch[name][2].float(), alone[name][0].float(), atol=2e-6), name
    if field != "no_view_probability":
        assert any(not torch.equal(batch[name], other[name]) for name in CHANGED[field])


def test_size_of_a_cut_matters_where_clouds_are_cut(store):
    small, large = (dataclasses.replace(OFF, partial_probability=1.0, largest_cut=cut) for cut in (0.1, 0.5))
    assert not torch.equal(draw(store, small).points, draw(store, large).points)
    assert torch.equal(draw(store, dataclasses.replace(OFF, largest_cut=0.5)).points, draw(store, OFF).points)


def test_switching_one_field_off_leaves_the_others_as_they_were(store):
    everything = AugmentationConfig(**ON, largest_cut=0.3)
    without_tilt = dataclasses.replace(everything, brightness=0.0, view_dropout=0.0)
    assert torch.equal(draw(store, everything).points, draw(store, without_tilt).points)
    without_noise = dataclasses.replace(everything, noise_m=0.0)
    assert torch.equal(draw(store, everything).vectors, draw(store, without_noise).vectors)


def test_turning_keeps_distances_between_hand_and_object():
    layer = ManoLayer()
    points, vectors = 0.1 * torch.randn(2, 50, 3), 0.3 * torch.randn(2, 3, 61)
    rotation = random_turns(torch.tensor([0.3, 2.0]), AugmentationConfig(), streams(2))
    turned, turned_vectors = points @ rotation.transpose(-1, -2), turn_vectors(vectors, rotation[:, None])
    before = torch.cdist(points.repeat_interleave(3, 0), layer.from_vector(vectors.flatten(0, 1)).vertices)
    after = torch.cdist(turned.repeat_interleave(3, 0), layer.from_vector(turned_vectors.flatten(0, 1)).vertices)
    assert torch.allclose(before, after, atol=1e-4)


def test_turns_keep_z_up_but_for_a_small_tilt():
    turns = random_turns(torch.linspace(0, 6, 500), AugmentationConfig(tilt_rad=math.radians(4)), streams(500))
    tilt = torch.acos(turns[:, 2, 2].clamp(-1, 1))
    assert math.radians(3) < float(tilt.square().mean().sqrt()) < math.radians(8)
    upright = random_turns(torch.zeros(5), AugmentationConfig(tilt_rad=0.0, yaw_jitter_rad=0.0), streams(5))
    assert torch.allclose(upright, torch.eye(3).expand(5, 3, 3))


def test_cut_clouds_miss_the_farthest_points_of_one_direction():
    points = torch.randn(20, 400, 3)
    config = dataclasses.replace(OFF, partial_probability=1.0, largest_cut=0.4)
    hidden = hidden_points(points, config, streams(20))
    shares = hidden.float().mean(dim=1)
    assert 0.1 < float(shares.mean()) < 0.3
    assert float(shares.max()) <= 0.4
    direction = torch.stack(
        [some[mask].mean(0) - some[~mask].mean(0) for some, mask in zip(points, hidden, strict=True)]
    )
    height = (points * torch.nn.functional.normalize(direction, dim=-1)[:, None]).sum(-1)
    for row, mask in zip(height, hidden, strict=True):
        assert row[mask].mean() > row[~mask].mean() + 1


def test_one_camera_sees_the_near_side_of_a_ball():
    directions = torch.nn.functional.normalize(torch.randn(2048, 3, generator=torch.Generator().manual_seed(0)), dim=-1)
    camera = camera_above(torch.tensor([1.0, -0.5, 0.8]))
    seen = visible_points(0.05 * directions, camera)
    distance = camera.norm()
    truth = directions @ (camera / distance) > 0.05 / distance
    assert float((seen == truth).float().mean()) > 0.95


def test_cameras_look_from_above_or_the_side():
    points = 0.05 * torch.nn.functional.normalize(torch.randn(8, 800, 3), dim=-1)
    hidden = hidden_points(points, dataclasses.replace(OFF, single_view_probability=1.0), streams(8))
    assert ((hidden.float().mean(dim=1) > 0.4) & (hidden.float().mean(dim=1) < 0.6)).all()
    towards = torch.stack([some[~mask].mean(0) for some, mask in zip(points, hidden, strict=True)])
    assert (towards[:, 2] > -0.003).all()
    assert len(towards.sign().unique(dim=0)) > 2


def test_hidden_points_are_never_given_and_seen_ones_are_repeated():
    points = torch.randn(6, 400, 3)
    order = torch.stack([torch.randperm(400) for _ in range(6)])
    hidden = torch.zeros(6, 400, dtype=torch.bool)
    hidden[3:] = points[3:, :, 0] > -0.3
    selected, source = select_points(hidden, order, 200, OFF, streams(6))
    chosen = selected.gather(1, source)
    assert torch.equal(chosen[:3], order[:3, :200])
    assert not hidden.gather(1, chosen).any()
    for row, mask in zip(chosen[3:], hidden[3:], strict=True):
        assert set(row.tolist()) == set((~mask).nonzero()[:, 0].tolist())


def test_dropped_points_are_replaced_by_others_of_the_cloud():
    order = torch.stack([torch.randperm(400) for _ in range(50)])
    config = dataclasses.replace(OFF, largest_point_dropout=0.8)
    selected, source = select_points(torch.zeros(50, 400, dtype=torch.bool), order, 200, config, streams(50))
    assert torch.equal(selected, order[:, :200])
    num_left = torch.tensor([len(row.unique()) for row in source]) / 200
    assert float(num_left.min()) < 0.4
    assert abs(float(num_left.mean()) - 0.6) < 0.06
    kept = source == torch.arange(200)
    assert all(set(row.tolist()) == set(row[mask].tolist()) for row, mask in zip(source, kept, strict=True))


def test_scaled_objects_keep_the_hand_where_it_touches(store):
    config = dataclasses.replace(OFF, scale=0.03)
    plain, scaled = draw(store, OFF), draw(store, config)
    factors = scaled.points.norm(dim=(1, 2)) / plain.points.norm(dim=(1, 2))
    assert float((factors - 1).abs().max()) <= 0.03 + 1e-6
    assert torch.allclose(scaled.points, plain.points * factors[:, None, None], atol=1e-7)
    assert torch.equal(scaled.vectors[..., :58], plain.vectors[..., :58]), "pose and shape of the hand stay"
    flat = scaled.vectors.flatten(0, 1)
    vertices = ManoLayer().from_vector(flat).vertices
    nearest = torch.cdist(scaled.points[:, :64].repeat_interleave(2, 0), vertices).amin(-1)
    assert torch.allclose(scaled.contact_distances.flatten(0, 1).amin(-1), nearest, atol=1e-5)
    touched = plain.contact_distances.amin(-1) < 0.01
    assert touched.any()
    shift = (scaled.contact_distances.amin(-1) - plain.contact_distances.amin(-1)).abs()[touched]
    assert float(shift.max()) < 0.03 * 0.08


def test_scales_fill_their_range():
    scales = random_scales(AugmentationConfig(scale=0.05), streams(500))
    assert 0.95 <= float(scales.min()) < 0.955
    assert 1.045 < float(scales.max()) <= 1.05


def test_scaling_without_a_hand_is_refused(store):
    with pytest.raises(ConfigurationError, match="grasp_distances"):
        draw(dataclasses.replace(store, grasp_distances=None), dataclasses.replace(OFF, scale=0.03))


def test_noise_stays_below_its_largest_deviation():
    noisy = add_noise(torch.zeros(200, 100, 3), AugmentationConfig(noise_m=0.002), streams(200))
    deviations = noisy.std(dim=(1, 2))
    assert float(deviations.max()) < 0.0022
    assert abs(float(deviations.mean()) - 0.001) < 2e-4


def test_views_are_dropped_and_dimmed_as_often_as_asked():
    config = AugmentationConfig(no_view_probability=0.3, view_dropout=0.15)
    kept = drop_views(torch.ones(4000, 6, dtype=torch.bool), config, streams(4000))
    assert abs(float(kept.any(dim=1).float().mean()) - 0.7) < 0.03
    assert abs(float(kept[kept.any(dim=1)].float().mean()) - 0.85) < 0.02
    changed = change_brightness(torch.full((400, 6, 3, 1, 1), 0.5), random_gains(config, streams(400)))
    assert 0.5 * 0.7 - 1e-6 <= float(changed.min()) < 0.37
    assert 0.63 < float(changed.max()) <= 0.5 * 1.3 + 1e-6


@pytest.mark.parametrize(
    ("field", "value"), [("scale", 1.0), ("noise_m", -0.1), ("view_dropout", 1.5), ("tilt_rad", math.nan)]
)
def test_values_out_of_range_are_refused(field, value):
    with pytest.raises(ConfigurationError, match=field):
        AugmentationConfig(**{field: value})
