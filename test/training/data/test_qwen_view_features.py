"""Stored features of Qwen2.5-VL: a model's outputs are those that the pictures give, to the last bit."""

import dataclasses
from pathlib import Path

import pytest
import torch
from small_oakink import phrasing, write_small_oakink

pytest.importorskip("transformers", reason="Qwen2.5-VL needs transformers")
pytest.importorskip("peft", reason="adapters need peft")

from funcgrasp_core.grasp_model.grasp_model import build_grasp_model
from funcgrasp_core.grasp_model.named_configs import DEBUG
from funcgrasp_core.grasp_model.qwen.config import QwenSemanticConfig
from funcgrasp_core.grasp_model.sample_random import SampleRandom
from funcgrasp_core.grasp_model.semantic_encoder import ViewFeatures
from training.data.augmentation import AugmentationConfig
from training.data.block_cache import BlockCache
from training.data.build_store import StoreSettings, build_store
from training.data.oakink import OakInkShapeDataset
from training.data.view_feature_store import frozen_view_encoder, store_view_features

VIEW_SIZE = 56


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_outputs_with_stored_features_are_those_with_pictures(tmp_path, tiny_qwen: Path, dtype):
    write_small_oakink(tmp_path / "shape", num_objects=1)
    store = build_store(OakInkShapeDataset(tmp_path / "shape", "train"), StoreSettings(VIEW_SIZE, 128))
    semantic = QwenSemanticConfig(tuning="lora", lora_rank=2, dtype=dtype, view_size=VIEW_SIZE)
    torch.manual_seed(0)
    model = build_grasp_model(dataclasses.replace(DEBUG, semantic=semantic), tiny_qwen).eval()
    encoder = frozen_view_encoder(model.semantic_encoder)
    assert encoder is not None
    stored = store_view_features(store, encoder, BlockCache(tmp_path / "features"))
    outputs = []
    for some in (store, stored):
        config = AugmentationConfig(brightness=0.0, no_view_probability=0.2, view_dropout=0.3)
        batch = some.draw([0, 1, 0, 1, 0, 1], 1, 128, 64, config, phrasing, SampleRandom(range(6)))
        if isinstance(batch.views, ViewFeatures):
            assert batch.views.features.dtype == getattr(torch, dtype)
        with torch.no_grad():
            outputs.append(model(batch.points, batch.views, batch.texts, batch.vectors, batch.random, 64))
    for name in ("contact_logits", "velocity", "mode_velocity"):
        assert float((getattr(outputs[0], name) - getattr(outputs[1], name)).abs().max()) == 0, name


def test_a_tuned_vision_tower_has_no_features_to_store(tiny_qwen: Path):
    full = QwenSemanticConfig(tuning="full", dtype="float32", view_size=VIEW_SIZE)
    model = build_grasp_model(dataclasses.replace(DEBUG, semantic=full), tiny_qwen)
    assert frozen_view_encoder(model.semantic_encoder) is None
    frozen = dataclasses.replace(full, tuning="frozen")
    digests = set()
    for config in (frozen, dataclasses.replace(frozen, dtype="bfloat16"), dataclasses.replace(frozen, view_size=84)):
        encoder = frozen_view_encoder(
            build_grasp_model(dataclasses.replace(DEBUG, semantic=config), tiny_qwen).semantic_encoder
        )
        assert encoder is not None
        digests.add(encoder.views_digest)
    assert len(digests) == 3
