"""Training steps of `funcgrasp_v2` with a tiny Qwen2.5-VL on a GPU."""

import math

import pytest
import torch

from bench.plain_recipe import plain_loss
from bench.training_recipes import TrainingRecipes, without_dropout
from bench.training_step import StepBench

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
DEVICE = torch.device("cuda")


@pytest.fixture
def recipes(tmp_path):
    return TrainingRecipes("tiny", 4, DEVICE, tmp_path / "tokenizer")


@pytest.mark.gpu
def test_gradients_are_those_of_the_cpu(recipes):
    settings = recipes.training_pass
    with without_dropout(recipes.ours), recipes.in_float32():
        loss, gradients = recipes.our_gradients(), recipes.adapter_gradients().cpu()
        recipes.ours.cpu()
        batch = recipes.batches.with_features(recipes.features)
        expected = plain_loss(recipes.ours, settings.objective, batch, bfloat16=False)
        expected.backward()
        cosine = torch.nn.functional.cosine_similarity(gradients, recipes.adapter_gradients(), dim=0)
    assert loss == pytest.approx(float(expected.detach()), rel=1e-4)
    assert cosine > 0.9999


@pytest.mark.gpu
def test_both_recipes_agree_and_the_loss_falls(recipes):
    row = StepBench(recipes, num_steps=2).main_row()
    assert row.timing.outputs_agree
    assert row.ours.peak_gib is not None
    assert row.ours.peak_gib > 0
    losses = [recipes.our_step() for _ in range(20)]
    assert all(math.isfinite(loss) for loss in losses)
    assert sum(losses[-5:]) < sum(losses[:5])
