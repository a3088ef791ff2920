"""The published 3B shape, without its weights: parameters on torch's meta device against what the layers give."""

import json
from pathlib import Path

import pytest
import torch

from funcgrasp_core.grasp_model.qwen.config import QwenSemanticConfig
from funcgrasp_core.grasp_model.qwen.tuning import tune_backbone
from training.make_tiny_qwen import weight_shapes

CONFIG = json.loads((Path(__file__).parent / "official_3b_config.json").read_text())
WIDTH, MLP, LAYERS, KEY_VALUE = 2048, 11008, 36, 2 * 128
VISION, VISION_MLP, VISION_LAYERS, PATCH = 1280, 3420, 32, 3 * 2 * 14 * 14


def num_language_parameters():
    attention = 2 * WIDTH * WIDTH + WIDTH + 2 * (WIDTH + 1) * KEY_VALUE  # q with bias, o without, k and v with
    layer = attention + 3 * WIDTH * MLP + 2 * WIDTH
    return 151936 * WIDTH + LAYERS * layer + WIDTH


def num_vision_parameters():
    attention = (VISION + 1) * 3 * VISION + (VISION + 1) * VISION
    mlp = 2 * (VISION + 1) * VISION_MLP + (VISION_MLP + 1) * VISION
    merged = 4 * VISION
    merger = VISION + (merged + 1) * merged + (merged + 1) * WIDTH
    return PATCH * VISION + VISION_LAYERS * (attention + mlp + 2 * VISION) + merger


def num_adapter_parameters(rank):
    attention = 2 * (WIDTH + WIDTH) + 2 * (WIDTH + KEY_VALUE)
    return rank * LAYERS * (attention + 3 * (WIDTH + MLP))


@pytest.fixture
def model():
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLModel

    with torch.device("meta"):
        return Qwen2_5_VLModel(Qwen2_5_VLConfig.from_dict(CONFIG))


def count(parameters):
    return sum(parameter.numel() for parameter in parameters)


def test_all_parameters(model):
    assert count(model.language_model.parameters()) == num_language_parameters() == 3_085_938_688
    assert count(model.visual.parameters()) == num_vision_parameters() == 668_684_288
    assert count(model.parameters()) == 3_754_622_976
    assert sum(torch.Size(shape).numel() for shape in weight_shapes(CONFIG).values()) == 3_754_622_976


def test_lora_has_59_9_million(model):
    tuned = tune_backbone(model, QwenSemanticConfig())
    trained = [parameter for parameter in tuned.parameters() if parameter.requires_grad]
    assert count(trained) == num_adapter_parameters(32) == 59_867_136
    assert count(tuned.parameters()) == 3_754_622_976 + 59_867_136


@pytest.mark.parametrize(("tuning", "num_trained"), [("full", 3_754_622_976), ("frozen", 0)])
def test_full_trains_all_and_frozen_none(model, tuning, num_trained):
    tuned = tune_backbone(model, QwenSemanticConfig(tuning=tuning))
    assert count(parameter for parameter in tuned.parameters() if parameter.requires_grad) == num_trained
