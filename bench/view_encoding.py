"""Qwen2.5-VL's vision tower with all windows of a layer in one call of attention, against the library's way.

python -m bench.view_encoding --device cuda --json FILE [--shape 3b|tiny] [--calls N]

The library cuts each layer's tokens into windows and calls attention for one after the other: at 224 x 224 pixels that
is 696 calls for the six views of an object, and the lengths are fetched from the device in every layer. All views have
one size, so all windows of a layer have one length and are a batch. The planner does not do so yet.
"""

import argparse
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from bench.qwen_shapes import SHAPES, Shape, make_random_qwen
from bench.side_by_side import LEAST_CALLS, SideBySide, compare, report
from funcgrasp_core.contracts import VIEW_SLOTS
from funcgrasp_core.grasp_model.qwen.config import QwenSemanticConfig
from funcgrasp_core.grasp_model.qwen.encoder import QwenSemanticEncoder

BATCH_SIZES = (1, 8)
LEAST_COSINE = 0.9999
CHOICES = QwenSemanticConfig(tuning="frozen", gradient_checkpointing=False)


@contextmanager
def windows_in_batches(encoder: QwenSemanticEncoder) -> Iterator[None]:
    """A context in which each layer of the vision tower attends within all of its windows in one call.

    Args:
        encoder: whose views are as large as a whole number of windows.
    """
    attentions = [block.attn for block in encoder.model.visual.blocks]
    for attention in attentions:
        attention.forward = partial(_attend_in_batches, attention)
    try:
        yield
    finally:
        for attention in attentions:
            del attention.forward  # the class's own is seen again


def _attend_in_batches(
    attention: Any,
    hidden_states: Tensor,
    cu_seqlens: Tensor,
    position_embeddings: tuple[Tensor, Tensor],
    **_unused: Any,
) -> Tensor:
    """Self-attention within windows of one length, which follow from the number of their borders: [S, D] -> [S, D]."""
    from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import apply_rotary_pos_emb_vision

    num_windows = len(cu_seqlens) - 1
    query, key, value = attention.qkv(hidden_states).unflatten(-1, (3, attention.num_heads, -1)).unbind(-3)
    query, key = apply_rotary_pos_emb_vision(query, key, *position_embeddings)
    query, key, value = (part.unflatten(0, (num_windows, -1)).transpose(1, 2) for part in (query, key, value))
    attended = F.scaled_dot_product_attention(query, key, value, scale=attention.scaling)
    return attention.proj(attended.transpose(1, 2).reshape(hidden_states.shape))


def rows_of_batch(encoder: QwenSemanticEncoder, batch_size: int, device: torch.device, num_calls: int) -> SideBySide:
    """Both ways for the views of so many objects."""
    generator = torch.Generator().manual_seed(batch_size)
    size = encoder.view_size
    images = torch.rand(batch_size, len(VIEW_SLOTS), 3, size, size, generator=generator).to(device)

    def in_batches() -> Tensor:
        with windows_in_batches(encoder):
            return encoder.encode_views(images)

    one_by_one: Callable[[], Tensor] = partial(encoder.encode_views, images)
    cosine = F.cosine_similarity(in_batches().double(), one_by_one().double(), dim=-1).min()
    name = f"{len(VIEW_SLOTS)} views of {batch_size} objects"
    return compare(name, in_batches, one_by_one, bool(cosine >= LEAST_COSINE), device, num_calls)


def make_encoder(shape: Shape, device: torch.device) -> QwenSemanticEncoder:
    """A frozen encoder with random weights."""
    with tempfile.TemporaryDirectory() as temporary:
        return make_random_qwen(shape, CHOICES, 256, device, Path(temporary) / "tokenizer").encoder.eval()


def main(arguments: list[str] | None = None) -> None:
    """Compare for one object, as in planning, and for several, as when features are stored."""
    parser = argparse.ArgumentParser(description="Time the vision tower with its windows in batches.")
    parser.add_argument("--json", type=Path, help="file for the figures")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--shape", default="3b", choices=SHAPES, help="of Qwen2.5-VL")
    parser.add_argument("--calls", type=int, default=LEAST_CALLS, help="timed calls of each side")
    options = parser.parse_args(arguments)
    device = torch.device(options.device)
    encoder = make_encoder(options.shape, device)
    report([rows_of_batch(encoder, size, device, options.calls) for size in BATCH_SIZES], options.json)


if __name__ == "__main__":
    main()
