import dataclasses

import pytest

from funcgrasp_core.errors import ConfigurationError
from funcgrasp_core.grasp_model.qwen.config import QwenSemanticConfig


def test_the_defaults_are_those_of_the_source():
    config = QwenSemanticConfig()
    assert (config.tuning, config.lora_rank, config.lora_alpha) == ("lora", 32, 64)
    assert (config.dtype, config.gradient_checkpointing, config.view_size) == ("bfloat16", True, 224)
    assert not config.name_views


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("tuning", "qlora", "tuning must be one of"),
        ("dtype", "float16", "dtype must be one of"),
        ("lora_rank", 0, "lora_rank must be at least 1"),
        ("lora_alpha", 0.0, "lora_alpha must be positive"),
        ("lora_alpha", float("nan"), "lora_alpha must be positive"),
        ("lora_dropout", 1.0, r"lora_dropout must be in \[0, 1\)"),
        ("lora_dropout", -0.1, "lora_dropout must be in"),
        ("view_size", 100, "multiple of 28"),
        ("view_size", 0, "multiple of 28"),
        ("max_instruction_characters", 0, "max_instruction_characters must be at least 1"),
        ("max_instruction_tokens", 0, "max_instruction_tokens must be at least 1"),
    ],
)
def test_values_out_of_range_are_refused(field, value, message):
    with pytest.raises(ConfigurationError, match=message):
        QwenSemanticConfig(**{field: value})


def test_it_can_be_written_as_plain_values():
    config = QwenSemanticConfig(tuning="full", view_size=56)
    assert QwenSemanticConfig(**dataclasses.asdict(config)) == config
