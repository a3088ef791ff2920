import copy
import json
import re
import sys

import pytest
import torch
from random_views import random_views
from safetensors.torch import load_file

from funcgrasp_core.errors import (
    CheckpointFormatError,
    CheckpointMissingError,
    ConfigurationError,
    MissingDependencyError,
)
from funcgrasp_core.grasp_model.qwen.tuning import ADAPTED_LAYERS
from training.make_tiny_qwen import HIDDEN_SIZE, MLP_SIZE, NUM_HEADS, NUM_KEY_VALUE_HEADS, NUM_LAYERS

MASK = torch.tensor([[1, 1, 0, 0, 0, 1], [0, 0, 0, 0, 0, 0]], dtype=torch.bool)
TEXTS = ["hand me the mug", "hammer this in"]


@pytest.fixture(scope="module")
def views():
    return random_views(2, 6) * MASK[..., None, None, None]


def output_of(encoder, views):
    return encoder(encoder.encode_views(views), MASK, TEXTS)


def train_a_step(encoder, views, learning_rate=0.1):
    encoder.train()
    trained = [parameter for parameter in encoder.parameters() if parameter.requires_grad]
    optimiser = torch.optim.SGD(trained, lr=learning_rate)
    for _ in range(2):  # the first step moves only one of each adapter's two matrices
        optimiser.zero_grad()
        output_of(encoder, views).square().sum().backward()
        optimiser.step()
    return encoder.eval()


def trained_names(encoder):
    return {name for name, parameter in encoder.named_parameters() if parameter.requires_grad}


def lora_parameters(rank):
    """By the layers' shapes: an adapter of a layer has rank * (inputs + outputs) parameters."""
    key_value = HIDDEN_SIZE // NUM_HEADS * NUM_KEY_VALUE_HEADS
    attention = 2 * (HIDDEN_SIZE + HIDDEN_SIZE) + 2 * (HIDDEN_SIZE + key_value)
    return rank * NUM_LAYERS * (attention + 3 * (HIDDEN_SIZE + MLP_SIZE))


@pytest.mark.parametrize("rank", [4, 32])
def test_lora_trains_adapters_of_the_language_model_and_the_head(make_encoder, rank):
    encoder = make_encoder(lora_rank=rank)
    adapters = {name for name in trained_names(encoder) if not name.startswith("head.")}
    assert all(re.search(r"language_model\.layers\.\d+\.(self_attn|mlp)\..*lora_[AB]", name) for name in adapters)
    assert sum(encoder.get_parameter(name).numel() for name in adapters) == lora_parameters(rank)
    assert trained_names(encoder) - adapters == {"head.0.weight", "head.0.bias", "head.1.weight", "head.1.bias"}


def test_full_trains_everything_and_frozen_the_head(make_encoder):
    full, frozen = make_encoder(tuning="full"), make_encoder(tuning="frozen")
    assert trained_names(full) == {name for name, _ in full.named_parameters()}
    assert trained_names(frozen) == {name for name, _ in frozen.named_parameters() if name.startswith("head.")}


@pytest.mark.parametrize(("tuning", "are_frozen"), [("lora", True), ("full", False), ("frozen", True)])
def test_views_are_frozen_where_training_leaves_them_alone(make_encoder, views, tuning, are_frozen):
    encoder = make_encoder(tuning=tuning)
    assert encoder.views_are_frozen is are_frozen
    before = encoder.encode_views(views).detach().clone()
    assert encoder.train().encode_views(views).requires_grad is not are_frozen
    after = train_a_step(encoder, views).encode_views(views)
    assert torch.equal(before, after) is are_frozen


@pytest.mark.parametrize("gradient_checkpointing", [False, True])
@pytest.mark.parametrize("tuning", ["lora", "full", "frozen"])
def test_gradients_reach_what_is_trained(make_encoder, views, tuning, gradient_checkpointing):
    """With recomputation too, frozen weights or not: "None of the inputs have requires_grad=True" does not come up."""
    encoder = make_encoder(tuning=tuning, gradient_checkpointing=gradient_checkpointing).train()
    output_of(encoder, views).square().sum().backward()
    with_gradient = {name for name, parameter in encoder.named_parameters() if parameter.grad is not None}
    assert with_gradient == trained_names(encoder)
    moved = {name for name in with_gradient if encoder.get_parameter(name).grad.abs().sum() > 0}
    # The second matrix of a new adapter is zero, so that the first has no gradient yet.
    assert with_gradient - moved == {name for name in with_gradient if "lora_A" in name}


@pytest.mark.parametrize("tuning", ["lora", "full"])
def test_recomputing_layers_changes_no_gradient_and_is_done(make_encoder, views, tuning):
    gradients, calls = [], []
    for gradient_checkpointing in (False, True):
        encoder = make_encoder(tuning=tuning, gradient_checkpointing=gradient_checkpointing).train()
        counted = []
        layer = encoder.model.language_model.layers[0].self_attn
        layer.register_forward_pre_hook(lambda *_, counted=counted: counted.append(1))
        output_of(encoder, views).square().sum().backward()
        gradients.append({name: p.grad for name, p in encoder.named_parameters() if p.grad is not None})
        calls.append(len(counted))
    assert calls == [1, 2]
    assert gradients[0].keys() == gradients[1].keys()
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradient, gradients[1][name], rtol=1e-5, atol=1e-6)


def test_a_frozen_backbone_recomputes_nothing_and_stays_in_evaluation(make_encoder):
    encoder = make_encoder(tuning="frozen", gradient_checkpointing=True).train()
    assert not any(getattr(module, "gradient_checkpointing", False) for module in encoder.modules())
    assert encoder.head.training
    assert not any(module.training for module in encoder.backbone.modules())


def test_adapters_start_without_effect_and_scale_with_alpha(make_encoder, views):
    frozen = make_encoder(tuning="frozen")
    with torch.no_grad():
        expected = output_of(frozen, views)
        outputs = []
        for alpha in (64.0, 16.0):
            encoder = make_encoder(lora_alpha=alpha)
            encoder.head.load_state_dict(frozen.head.state_dict())
            assert torch.equal(output_of(encoder, views), expected)
            for name, parameter in encoder.named_parameters():
                if "lora_B" in name:
                    parameter.fill_(0.01)
            outputs.append(output_of(encoder, views))
    assert not torch.allclose(outputs[0], expected)
    assert not torch.allclose(outputs[0], outputs[1])


def test_dropout_acts_on_adapters_in_training_only(make_encoder, views):
    encoder = train_a_step(make_encoder(lora_dropout=0.5), views)
    with torch.no_grad():
        assert torch.equal(output_of(encoder, views), output_of(encoder, views))
        encoder.train()
        assert not torch.equal(output_of(encoder, views), output_of(encoder, views))
        assert torch.equal(encoder.encode_views(views), encoder.encode_views(views))


def test_adapters_are_float32_on_bfloat16_weights(make_encoder, views):
    encoder = make_encoder(dtype="bfloat16").train()
    for name, parameter in encoder.named_parameters():
        expected = torch.float32 if parameter.requires_grad else torch.bfloat16
        assert parameter.dtype == expected, name
    output_of(encoder, views).square().sum().backward()
    assert all(p.grad.dtype == torch.float32 for p in encoder.parameters() if p.requires_grad)


def test_bare_layer_names_would_have_matched_the_vision_tower(make_encoder):
    names = [name for name, _ in make_encoder(tuning="frozen").backbone.named_modules()]
    assert any(name.startswith("visual") and name.endswith("gate_proj") for name in names)
    matched = [name for name in names if re.fullmatch(ADAPTED_LAYERS, name)]
    assert len(matched) == 7 * NUM_LAYERS
    assert all(name.startswith("language_model.layers.") for name in matched)


def test_without_peft_the_package_is_named(make_encoder, monkeypatch):
    monkeypatch.setitem(sys.modules, "peft", None)
    with pytest.raises(MissingDependencyError, match=r"pip install funcgrasp\[qwen\]"):
        make_encoder()
    make_encoder(tuning="frozen")


# Keeping what was trained.


@pytest.mark.parametrize("tuning", ["lora", "full"])
def test_tuned_weights_come_back(make_encoder, views, tmp_path, tuning):
    encoder = train_a_step(make_encoder(tuning=tuning), views)
    encoder.save_tuned(tmp_path / "tuned")
    restored = make_encoder(tuning=tuning, seed=1)
    restored.head.load_state_dict(encoder.head.state_dict())
    with torch.no_grad():
        assert not torch.allclose(output_of(restored, views), output_of(encoder, views))
        restored.load_tuned(tmp_path / "tuned")
        assert torch.equal(output_of(restored, views), output_of(encoder, views))
    assert trained_names(restored) == trained_names(encoder)
    assert not (tmp_path / "tuned.tmp").exists()


def test_peft_reads_the_adapters(make_encoder, tiny_qwen, views, tmp_path):
    from peft import PeftModel
    from transformers import Qwen2_5_VLModel

    encoder = train_a_step(make_encoder(), views)
    encoder.save_tuned(tmp_path / "tuned")
    assert {"adapter_config.json", "adapter_model.safetensors"} <= {
        file.name for file in (tmp_path / "tuned").iterdir()
    }
    base = Qwen2_5_VLModel.from_pretrained(str(tiny_qwen), dtype=torch.float32, local_files_only=True)
    theirs = PeftModel.from_pretrained(base, str(tmp_path / "tuned")).eval()
    prompts = encoder.prompts(["hold it"], [[False] * 6])
    with torch.no_grad():
        expected = theirs(input_ids=prompts.input_ids, attention_mask=prompts.is_token.long()).last_hidden_state
        found = encoder.hidden_states(encoder.encode_views(views[:1]), torch.zeros(1, 6, dtype=torch.bool), prompts)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-5)


def test_transformers_reads_the_whole_model(make_encoder, views, tmp_path):
    from transformers import Qwen2_5_VLModel

    encoder = train_a_step(make_encoder(tuning="full"), views)
    encoder.save_tuned(tmp_path / "tuned")
    theirs = Qwen2_5_VLModel.from_pretrained(str(tmp_path / "tuned"), dtype=torch.float32, local_files_only=True)
    ours = encoder.backbone.state_dict()
    assert all(torch.equal(tensor, ours[name]) for name, tensor in theirs.state_dict().items())


def test_what_is_saved_says_nothing_of_this_machine(make_encoder, tiny_qwen, tmp_path):
    for tuning in ("lora", "full"):
        make_encoder(tuning=tuning).save_tuned(tmp_path / tuning)
        for file in (tmp_path / tuning).iterdir():
            assert str(tiny_qwen).encode() not in file.read_bytes(), file


def test_saving_replaces_what_was_there(make_encoder, views, tmp_path):
    make_encoder().save_tuned(tmp_path / "tuned")
    before = load_file(tmp_path / "tuned" / "adapter_model.safetensors")
    train_a_step(make_encoder(), views).save_tuned(tmp_path / "tuned")
    after = load_file(tmp_path / "tuned" / "adapter_model.safetensors")
    assert any(not torch.equal(before[name], after[name]) for name in before)
    assert [entry.name for entry in tmp_path.iterdir()] == ["tuned"]


@pytest.mark.parametrize("tuning", ["lora", "full"])
def test_a_copy_without_gradients_keeps_the_same(make_encoder, views, tmp_path, tuning):
    """As averaged weights are."""
    encoder = train_a_step(make_encoder(tuning=tuning), views)
    copy.deepcopy(encoder).requires_grad_(False).save_tuned(tmp_path / "tuned")
    restored = make_encoder(tuning=tuning)
    restored.head.load_state_dict(encoder.head.state_dict())
    restored.load_tuned(tmp_path / "tuned")
    with torch.no_grad():
        assert torch.equal(output_of(restored, views), output_of(encoder, views))


def test_a_frozen_model_has_nothing_to_keep(make_encoder, tmp_path):
    encoder = make_encoder(tuning="frozen")
    with pytest.raises(ConfigurationError, match="no tuned weights to save"):
        encoder.save_tuned(tmp_path / "tuned")
    with pytest.raises(ConfigurationError, match="no tuned weights to load"):
        encoder.load_tuned(tmp_path / "tuned")


def test_missing_and_foreign_adapters_are_refused(make_encoder, tmp_path):
    encoder = make_encoder()
    with pytest.raises(CheckpointMissingError, match="no folder with the tuned"):
        encoder.load_tuned(tmp_path / "absent")
    (tmp_path / "empty").mkdir()
    with pytest.raises(CheckpointMissingError, match=r"lacks adapter_model\.safetensors"):
        encoder.load_tuned(tmp_path / "empty")
    make_encoder(lora_rank=4).save_tuned(tmp_path / "rank")
    with pytest.raises(CheckpointFormatError, match="have r 4, the model 32"):
        encoder.load_tuned(tmp_path / "rank")
    make_encoder(lora_alpha=1.0).save_tuned(tmp_path / "alpha")
    with pytest.raises(CheckpointFormatError, match=r"have lora_alpha 1\.0, the model 64\.0"):
        encoder.load_tuned(tmp_path / "alpha")


def test_damaged_adapters_are_refused(make_encoder, tmp_path):
    from safetensors.torch import save_file

    encoder = make_encoder()
    encoder.save_tuned(tmp_path / "tuned")
    file = tmp_path / "tuned" / "adapter_model.safetensors"
    tensors = load_file(file)
    removed = sorted(tensors)[0]
    save_file({name: tensor for name, tensor in tensors.items() if name != removed}, file)
    with pytest.raises(CheckpointFormatError, match="for another base model"):
        encoder.load_tuned(tmp_path / "tuned")
    file.write_bytes(b"nothing")
    with pytest.raises(CheckpointFormatError, match="cannot be read"):
        encoder.load_tuned(tmp_path / "tuned")


def test_a_whole_model_of_another_size_is_refused(make_encoder, tmp_path):
    encoder = make_encoder(tuning="full")
    encoder.save_tuned(tmp_path / "tuned")
    path = tmp_path / "tuned" / "config.json"
    settings = json.loads(path.read_text())
    settings["text_config"]["num_hidden_layers"] = 1
    settings["text_config"]["layer_types"] = ["full_attention"]
    path.write_text(json.dumps(settings))
    with pytest.raises(CheckpointFormatError):
        encoder.load_tuned(tmp_path / "tuned")


# The state dictionary.


@pytest.mark.parametrize("tuning", ["lora", "full", "frozen"])
def test_the_state_dictionary_holds_what_training_changes(make_encoder, views, tuning):
    encoder = train_a_step(make_encoder(tuning=tuning), views)
    state = {name: tensor.clone() for name, tensor in encoder.state_dict().items()}
    assert set(state) == trained_names(encoder)
    restored = make_encoder(tuning=tuning, seed=1)
    restored.load_state_dict(state)
    with torch.no_grad():
        assert torch.equal(output_of(restored, views), output_of(encoder, views))


def test_the_state_dictionary_works_inside_of_other_modules_and_copies(make_encoder, views):
    encoder = train_a_step(make_encoder(), views)
    outer = torch.nn.ModuleDict({"semantic": encoder})
    average = copy.deepcopy(outer).requires_grad_(False)
    assert outer.state_dict().keys() == average.state_dict().keys() == {f"semantic.{n}" for n in trained_names(encoder)}
    average.load_state_dict(outer.state_dict())
    with torch.no_grad():
        assert torch.equal(output_of(average["semantic"], views), output_of(encoder, views))


def test_what_is_missing_from_a_state_dictionary_is_named(make_encoder):
    encoder = make_encoder()
    state = encoder.state_dict()
    removed = next(name for name in state if "lora_B" in name)
    del state[removed]
    with pytest.raises(RuntimeError, match=re.escape(removed)):
        encoder.load_state_dict(state)
