"""A mixture draws what its stores draw, in the shares that were asked for."""

import dataclasses

import pytest
import torch
from small_oakink import phrasing, write_small_oakink

from funcgrasp_core.errors import ConfigurationError
from funcgrasp_core.grasp_model.sample_random import SampleRandom
from funcgrasp_core.grasp_model.semantic_encoder import ViewFeatures, ViewImages
from training.data.augmentation import AugmentationConfig
from training.data.build_store import StoreSettings, build_store
from training.data.mixed_store import MixedStore
from training.data.oakink import OakInkShapeDataset


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    roots = [tmp_path_factory.mktemp(f"set{number}") for number in range(2)]
    write_small_oakink(roots[0], num_objects=2, seed=0)
    write_small_oakink(roots[1], num_objects=5, seed=1)
    settings = StoreSettings(view_size=8, num_points=64)
    return [build_store(OakInkShapeDataset(root, "train"), settings) for root in roots]


def test_every_item_is_there_once_and_an_epoch_has_the_shares(stores):
    mixed = MixedStore(stores, [3, 1])
    assert (mixed.num_objects, mixed.num_grasps, len(mixed), len(mixed.groups)) == (7, 28, 14, 14)
    epochs = [list(mixed.epoch_items(epoch, seed=0)) for epoch in (0, 1)]
    for items in epochs:
        assert set(items) == set(range(14))
        assert sum(item < 4 for item in items) == 3 * sum(item >= 4 for item in items) == 30
    assert epochs[0] != epochs[1]
    assert list(stores[0].epoch_items(5, seed=0)) == [0, 1, 2, 3]


def test_an_item_gives_what_its_store_gives(stores):
    mixed = MixedStore(stores, [1, 1])
    indices = [0, len(mixed) - 1, 2, len(mixed) // 2 + 1]
    batch = mixed.draw(indices, 2, 64, 32, AugmentationConfig(), phrasing, SampleRandom(range(4)))
    assert isinstance(batch.views, ViewImages)
    for place, index in enumerate(indices):
        store, own = (stores[0], index) if index < 4 else (stores[1], index - 4)
        alone = store.draw([own], 2, 64, 32, AugmentationConfig(), phrasing, SampleRandom([place]))
        assert isinstance(alone.views, ViewImages)
        assert batch.texts[place] == alone.texts[0]
        assert torch.allclose(batch.points[place], alone.points[0], atol=1e-6)
        assert torch.allclose(batch.vectors[place], alone.vectors[0], atol=1e-5)
        assert torch.equal(batch.contact_distances[place], alone.contact_distances[0])
        assert torch.allclose(batch.views.images[place], alone.views.images[0], atol=1e-6)
        assert torch.equal(batch.views.mask[place], alone.views.mask[0])
        later = alone.random.uniform()[0]
        assert torch.equal(SampleRandom.of_samples(batch.random, [place]).uniform()[0], later)


def test_by_grasp_keeps_the_shares(stores):
    mixed = MixedStore(stores, [0.75, 0.25])
    single = mixed.by_grasp()
    assert len(single) == 28
    assert all(len(group.grasp_indices) == 1 for group in single.groups)
    items = single.epoch_items(0, seed=0)
    share = sum(item < len(stores[0].by_grasp()) for item in items) / len(items)
    assert share == pytest.approx(0.75, abs=0.02)
    assert mixed.vectors_at_random_yaws(torch.Generator()).shape == (28, 61)


def test_features_of_all_stores_are_joined_and_mixing_them_with_pictures_is_refused(stores):
    features = [dataclasses.replace(store, view_features=torch.randn(store.num_objects, 3, 12, 5)) for store in stores]
    config = AugmentationConfig(brightness=0.0)
    mixed = MixedStore(features, [1, 1])
    batch = mixed.draw([0, len(mixed) - 1], 1, 64, 32, config, phrasing, SampleRandom([0, 1]))
    assert isinstance(batch.views, ViewFeatures)
    assert batch.views.features.shape == (2, 6, 5)
    half = MixedStore([stores[0], features[1]], [1, 1])
    with pytest.raises(ConfigurationError, match="store them for all"):
        half.draw([0, len(half) - 1], 1, 64, 32, config, phrasing, SampleRandom([0, 1]))


@pytest.mark.parametrize(("lengths", "weights"), [([], []), ([3], [1, 1]), ([3, 0], [1, 1]), ([3, 3], [1, 0])])
def test_impossible_mixtures_are_refused(lengths, weights):
    with pytest.raises(ConfigurationError, match="mixture"):
        MixedStore([range(length) for length in lengths], weights)  # pyright: ignore[reportArgumentType] - sized
