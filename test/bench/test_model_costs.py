"""Closed forms against what transformers and torch say."""

import json
from pathlib import Path

import pytest
import torch

from bench.model_costs import GraspPartSizes, LanguageSizes, VisionSizes
from bench.qwen_shapes import QWEN_3B, make_random_qwen
from bench.training_recipes import MODEL_CONFIGS, grasp_model_around
from funcgrasp_core.grasp_model.qwen.config import QwenSemanticConfig
from funcgrasp_core.grasp_model.sample_random import SampleRandom

CPU = torch.device("cpu")
RANK = 32
ACTIVATION_ERROR = 0.03
PUBLISHED = Path(__file__).parents[1] / "grasp_model" / "qwen" / "official_3b_config.json"


@pytest.fixture(scope="module")
def tokenizer_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("costs") / "tokenizer"


def tiny(tokenizer_folder, **choices):
    return make_random_qwen(
        "tiny", QwenSemanticConfig(gradient_checkpointing=False, **choices), 32, CPU, tokenizer_folder
    )


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def saved_bytes(function, module):
    """Of all storages that the backward pass keeps, but for weights and what autocast makes of them."""
    weights = {parameter.untyped_storage().data_ptr() for parameter in module.parameters()}
    shapes = {tuple(parameter.shape) for parameter in module.parameters()}
    shapes |= {shape[::-1] for shape in shapes}
    kept = {}

    def keep(tensor):
        if tensor.untyped_storage().data_ptr() not in weights and tuple(tensor.shape) not in shapes:
            kept[tensor.untyped_storage().data_ptr()] = tensor
        return tensor

    with torch.autocast("cpu", torch.bfloat16), torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        function()
    return sum(tensor.untyped_storage().nbytes() for tensor in kept.values())


def test_the_written_down_shape_is_the_published_one():
    published = json.loads(PUBLISHED.read_text())
    assert {name: published[name] for name in QWEN_3B} == QWEN_3B
    assert {name for name in published if name not in QWEN_3B and not name.endswith("token_id")} == {
        "architectures",
        "torch_dtype",
    }


def test_parameters_are_those_of_the_published_shape(tokenizer_folder):
    language, vision = LanguageSizes.of(QWEN_3B), VisionSizes.of(QWEN_3B, 224)
    qwen = make_random_qwen("3b", QwenSemanticConfig(), 256, torch.device("meta"), tokenizer_folder)
    model = qwen.encoder.model
    adapters = sum(parameter.numel() for name, parameter in model.named_parameters() if "lora_" in name)
    assert language.num_adapter_parameters(RANK) == adapters == 59_867_136
    assert language.num_parameters == count(model.language_model) - adapters == 3_085_938_688
    assert vision.num_parameters == count(model.visual) == 668_684_288
    assert count(qwen.generator) == language.num_parameters + vision.num_parameters + adapters


def test_parameters_are_those_of_the_tiny_shape(tokenizer_folder):
    qwen = tiny(tokenizer_folder, tuning="frozen")
    assert LanguageSizes.of(qwen.config).num_parameters == count(qwen.encoder.model.language_model)
    assert VisionSizes.of(qwen.config, 224).num_parameters == count(qwen.encoder.model.visual)


@pytest.mark.parametrize("shape", ["tiny", "3b"])
def test_parameters_are_those_of_the_grasp_model(shape, tokenizer_folder):
    config = MODEL_CONFIGS[shape]
    qwen = make_random_qwen("tiny", config.semantic, config.semantic_size, CPU, tokenizer_folder)
    model = grasp_model_around(qwen.encoder, config, tokenizer_folder)
    found = sum(p.numel() for name, p in model.named_parameters() if not name.startswith("semantic_encoder.backbone"))
    assert GraspPartSizes(config, qwen.config["hidden_size"]).num_parameters == found


def test_operations_are_those_that_torch_counts(tokenizer_folder):
    """Torch counts causal attention as if it looked everywhere."""
    from torch.nn.attention import SDPBackend, sdpa_kernel
    from torch.utils.flop_counter import FlopCounterMode

    qwen = tiny(tokenizer_folder, tuning="frozen", view_size=224)
    sizes, vision = LanguageSizes.of(qwen.config), VisionSizes.of(qwen.config, 224)
    embeddings = torch.randn(2, 50, sizes.width).bfloat16()
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        qwen.encoder.model.language_model(inputs_embeds=embeddings, use_cache=False)
    expected = sizes.linear_flop(100) + 2 * sizes.attention_flop(2, 50)
    assert counter.get_total_flops() == pytest.approx(expected, rel=1e-3)  # positions are sometimes made by a product
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        qwen.encoder.encode_views(torch.rand(1, 6, 3, 224, 224))
    assert counter.get_total_flops() == pytest.approx(6 * vision.picture_flop(), rel=1e-3)


@pytest.mark.parametrize(("tuning", "casts_inputs"), [("lora", True), ("lora", False), ("full", True)])
def test_activations_of_the_language_model_are_what_torch_keeps(tokenizer_folder, tuning, casts_inputs):
    qwen = tiny(tokenizer_folder, tuning=tuning)
    model, sizes, tokens = qwen.encoder.model.language_model.train(), LanguageSizes.of(qwen.config), 2 * 100
    for module in model.modules():
        if hasattr(module, "cast_input_dtype_enabled"):
            module.cast_input_dtype_enabled = casts_inputs
    embeddings = torch.randn(2, 100, sizes.width).bfloat16().requires_grad_()
    found = saved_bytes(lambda: model(inputs_embeds=embeddings, use_cache=False), model)
    layers = sizes.layers * sizes.layer_activation_bytes(tuning, RANK, casts_inputs)
    assert found == pytest.approx(tokens * (layers + sizes.last_norm_bytes(tuning)), rel=ACTIVATION_ERROR)


def test_activations_of_the_grasp_model_are_what_torch_keeps(tokenizer_folder):
    """Without dropout: on a CPU attention with dropout keeps all weights, which no GPU does."""
    import dataclasses

    from bench.made_up_batches import MadeUpBatches

    config = MODEL_CONFIGS["tiny"]
    config = dataclasses.replace(config, fusion=dataclasses.replace(config.fusion, dropout=0.0))
    qwen = make_random_qwen("tiny", config.semantic, config.semantic_size, CPU, tokenizer_folder)
    model = grasp_model_around(torch.nn.Identity(), config, tokenizer_folder).train()
    batch = MadeUpBatches.make(4, config.num_points, 56).observations
    semantic = torch.randn(4, config.semantic_size, requires_grad=True)
    model.semantic_encoder.forward = lambda *_: semantic
    views = qwen.encoder.encode_views(batch.views.images)

    def predict():
        from funcgrasp_core.grasp_model.semantic_encoder import ViewFeatures

        model(batch.points, ViewFeatures(views, batch.views.mask), batch.texts, batch.vectors, SampleRandom(range(4)))

    sizes = GraspPartSizes(config, qwen.config["hidden_size"])
    assert saved_bytes(predict, model) == pytest.approx(4 * sizes.activation_bytes(), rel=0.1)
