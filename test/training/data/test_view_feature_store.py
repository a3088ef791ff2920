"""Stored features stand for pictures exactly: same outputs, any quarter turn, any yaw, the encoder's own type."""

import dataclasses

import pytest
import torch
from frozen_encoder import VIEW_SIZE, FrozenEncoder
from small_oakink import phrasing, write_small_oakink
from torch import Tensor

from funcgrasp_core.errors import ConfigurationError, DatasetError
from funcgrasp_core.grasp_model.grasp_model import build_grasp_model
from funcgrasp_core.grasp_model.named_configs import DEBUG
from funcgrasp_core.grasp_model.sample_random import SampleRandom
from funcgrasp_core.grasp_model.semantic_encoder import ViewFeatures, ViewImages
from training.data import view_feature_store
from training.data.augmentation import OFF, AugmentationConfig
from training.data.block_cache import BlockCache
from training.data.build_store import StoreSettings, build_store
from training.data.oakink import OakInkShapeDataset
from training.data.observation_store import ObservationStore
from training.data.view_feature_store import object_bytes, store_view_features


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> ObservationStore:
    root = tmp_path_factory.mktemp("shape")
    write_small_oakink(root, num_objects=2)
    return build_store(OakInkShapeDataset(root, "train"), StoreSettings(VIEW_SIZE, 64))


def draw(store: ObservationStore, config: AugmentationConfig, count: int = 24):
    return store.draw([i % 4 for i in range(count)], 2, 128, 64, config, phrasing, SampleRandom(range(count)))


def test_features_after_every_turn_are_those_of_the_turned_pictures(store, tmp_path):
    encoder = FrozenEncoder()
    stored = store_view_features(store, encoder, BlockCache(tmp_path))
    config = dataclasses.replace(OFF, random_yaw=True, view_dropout=0.3)
    pictures, features = draw(store, config).views, draw(stored, config).views
    assert isinstance(pictures, ViewImages)
    assert isinstance(features, ViewFeatures)
    assert torch.equal(encoder.encode_views(pictures.images), features.features)
    assert torch.equal(pictures.mask, features.mask)


def test_a_model_gives_the_same_to_the_last_bit(store, tmp_path):
    torch.manual_seed(0)
    encoder = FrozenEncoder()
    model = build_grasp_model(DEBUG).eval()
    model.semantic_encoder = encoder
    stored = store_view_features(store, encoder, BlockCache(tmp_path))
    outputs = []
    for some in (store, stored):
        batch = draw(some, AugmentationConfig(brightness=0.0, no_view_probability=0.2), count=8)
        with torch.no_grad():
            outputs.append(model(batch.points, batch.views, batch.texts, batch.vectors, batch.random, 64))
    for name in ("contact_logits", "velocity", "mode_velocity"):
        assert float((getattr(outputs[0], name) - getattr(outputs[1], name)).abs().max()) == 0, name


def test_features_keep_their_type_and_are_encoded_once(store, tmp_path):
    encoder = FrozenEncoder(torch.bfloat16)
    stored = store_view_features(store, encoder, BlockCache(tmp_path))
    views = draw(stored, OFF).views
    assert isinstance(views, ViewFeatures)
    assert views.features.dtype == torch.bfloat16
    assert encoder.num_encoded >= 2 * 36
    again, cache = FrozenEncoder(torch.bfloat16), BlockCache(tmp_path)
    store_view_features(store, again, cache)
    assert (cache.num_computed, again.num_encoded) == (0, 0)


def test_another_encoder_or_other_pictures_have_other_features(store, tmp_path):
    store_view_features(store, FrozenEncoder(), BlockCache(tmp_path))

    def num_computed(encoder: FrozenEncoder, some: ObservationStore) -> int:
        cache = BlockCache(tmp_path)
        store_view_features(some, encoder, cache)
        return cache.num_computed

    assert num_computed(FrozenEncoder(seed=1), store) == 2
    assert num_computed(FrozenEncoder(torch.bfloat16), store) == 2
    changed = dataclasses.replace(store, view_keys=("other", store.view_keys[1]))
    assert num_computed(FrozenEncoder(), changed) == 1
    without_keys = dataclasses.replace(store, view_keys=())
    assert (num_computed(FrozenEncoder(), without_keys), num_computed(FrozenEncoder(), without_keys)) == (2, 0)


def test_an_interrupted_run_goes_on_after_the_last_object(store, tmp_path, monkeypatch):
    encoder, encode = FrozenEncoder(), FrozenEncoder.encode_views

    def stop_at_the_second(self: FrozenEncoder, images: Tensor) -> Tensor:
        if len(images) > 1 and any(tmp_path.rglob("*.safetensors")):
            raise KeyboardInterrupt
        return encode(self, images)

    monkeypatch.setattr(FrozenEncoder, "encode_views", stop_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        store_view_features(store, encoder, BlockCache(tmp_path))
    monkeypatch.undo()
    cache = BlockCache(tmp_path)
    store_view_features(store, encoder, cache)
    assert cache.num_computed == 1


def test_the_size_is_said_before_and_must_fit(store, tmp_path, monkeypatch, capsys):
    encoder = FrozenEncoder()
    stored = store_view_features(store, encoder, BlockCache(tmp_path))
    assert stored.view_features is not None
    assert object_bytes(encoder, 3) == stored.view_features[0].nbytes == 3 * 12 * 4 * 7 * 4
    assert "0.00 MB an object" in capsys.readouterr().out
    monkeypatch.setattr(view_feature_store, "free_bytes", lambda _folder: 100)
    with pytest.raises(DatasetError, match="--cache"):
        store_view_features(store, FrozenEncoder(seed=2), BlockCache(tmp_path))


def test_what_cannot_be_exact_is_refused(store, tmp_path):
    trained = FrozenEncoder()
    trained.views_are_frozen = False
    with pytest.raises(ConfigurationError, match="freeze"):
        store_view_features(store, trained, BlockCache(tmp_path))
    with pytest.raises(ConfigurationError, match="slot"):
        store_view_features(store, FrozenEncoder(depends_on_slot=True), BlockCache(tmp_path))
    stored = store_view_features(store, FrozenEncoder(), BlockCache(tmp_path))
    with pytest.raises(ConfigurationError, match="brightness"):
        draw(stored, AugmentationConfig())
    assert draw(stored, AugmentationConfig().without_brightness()).views.mask.shape == (24, 6)
