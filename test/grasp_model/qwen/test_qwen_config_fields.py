"""Every field of the Qwen2.5-VL encoder's configuration does something: changed, it changes a tiny encoder."""

import zlib
from typing import Any

import pytest
import torch
from config_fields import field_paths
from random_views import VIEW_SIZE, random_views
from torch import Tensor

from funcgrasp_core.errors import ConfigurationError, InstructionTooLongError
from funcgrasp_core.grasp_model.qwen.config import QwenSemanticConfig

EVERYTHING: dict[str, Any] = {"tuning": "lora", "lora_rank": 4, "lora_dropout": 0.2, "gradient_checkpointing": False}
TEXTS = ["hand me the mug", "hammer this nail in, please"]

CHANGES: dict[str, Any] = {
    "tuning": "frozen",
    "lora_rank": 8,
    "lora_alpha": 8.0,
    "lora_dropout": 0.6,
    "gradient_checkpointing": True,
    "dtype": "bfloat16",
    "view_size": 2 * VIEW_SIZE,
    "name_views": True,
    "max_instruction_characters": 10,
    "max_instruction_tokens": 5,
}

REFUSED = {"kind": "compact"}


def behaviour(encoder) -> dict[str, Any]:
    """What is trained, a training pass with its number of layers run, and the output in evaluation."""
    with torch.no_grad():
        for name, parameter in encoder.named_parameters():
            if parameter.requires_grad:  # adapters begin as zero: as after training
                generator = torch.Generator().manual_seed(zlib.crc32(name.encode()))
                parameter.copy_(0.1 * torch.randn(parameter.shape, generator=generator))
    views = random_views(2, 6, size=encoder.view_size)
    mask = torch.tensor([[1, 1, 0, 0, 0, 1], [1, 0, 0, 0, 0, 0]], dtype=torch.bool)
    found: dict[str, Any] = {
        "shapes": {name: tensor.shape for name, tensor in encoder.state_dict().items()},
        "view_size": encoder.view_size,
    }
    layers_run = []
    layer = encoder.model.language_model.layers[0].self_attn.q_proj
    hook = layer.register_forward_hook(lambda *_: layers_run.append(1))
    try:
        torch.manual_seed(0)
        output = encoder.train()(encoder.encode_views(views), mask, TEXTS)
        output.square().sum().backward()
        with torch.no_grad():
            found |= {"trained": output.detach(), "used": encoder.eval()(encoder.encode_views(views), mask, TEXTS)}
    except InstructionTooLongError:
        found["refused"] = True
    hook.remove()
    return {**found, "layers_run": len(layers_run)}


def differs(one: Any, other: Any) -> bool:
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        return not torch.allclose(one, other, atol=1e-5)
    return one is None or other is None or one != other


@pytest.fixture(scope="module")
def usual(make_encoder):
    return behaviour(make_encoder(**EVERYTHING))


def test_every_field_has_a_changed_value():
    assert set(field_paths(QwenSemanticConfig)) == set(CHANGES) | set(REFUSED)


def test_the_comparison_itself_is_repeatable(make_encoder, usual):
    again = behaviour(make_encoder(**EVERYTHING))
    assert [name for name in usual if differs(usual[name], again[name])] == []


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_field_changes_the_encoder(make_encoder, usual, name):
    changed = behaviour(make_encoder(**{**EVERYTHING, name: CHANGES[name]}))
    assert any(differs(usual.get(key), changed.get(key)) for key in usual)


def test_recomputing_layers_changes_no_output(make_encoder, usual):
    changed = behaviour(make_encoder(**{**EVERYTHING, "gradient_checkpointing": True}))
    assert changed["layers_run"] > usual["layers_run"]
    assert [name for name in usual if name != "layers_run" and differs(usual[name], changed[name])] == []


@pytest.mark.parametrize("name", REFUSED)
def test_a_value_that_no_encoder_has_is_refused(name):
    with pytest.raises(ConfigurationError, match=f"{name} must be one of"):
        QwenSemanticConfig(**{name: REFUSED[name]})
