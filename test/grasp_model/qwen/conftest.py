"""Encoders built from the tiny Qwen2.5-VL checkpoint, and copies of it to break."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from random_views import VIEW_SIZE

from funcgrasp_core.grasp_model.qwen.config import QwenSemanticConfig
from funcgrasp_core.grasp_model.qwen.encoder import QwenSemanticEncoder, build_qwen_encoder

OUTPUT_SIZE = 32


@pytest.fixture
def broken_qwen(tiny_qwen: Path, tmp_path: Path) -> Path:
    """A copy of the tiny checkpoint for tests that break it."""
    return Path(shutil.copytree(tiny_qwen, tmp_path / "broken"))


@pytest.fixture(scope="session")
def make_encoder(tiny_qwen: Path) -> Callable[..., QwenSemanticEncoder]:
    """Builds an encoder with the given choices; float32 and small views unless said otherwise."""

    def make(seed: int = 0, **choices: object) -> QwenSemanticEncoder:
        torch.manual_seed(seed)
        settings = {"dtype": "float32", "view_size": VIEW_SIZE, **choices}
        return build_qwen_encoder(QwenSemanticConfig(**settings), tiny_qwen, OUTPUT_SIZE).eval()  # type: ignore[arg-type]

    return make


@pytest.fixture(scope="session")
def frozen_encoder(make_encoder: Callable[..., QwenSemanticEncoder]) -> QwenSemanticEncoder:
    """One that tests only call."""
    return make_encoder(tuning="frozen")
