"""The library's own preprocessing, which ours is compared with, without its video part, which wants torchvision."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoTokenizer, Qwen2VLImageProcessor
from transformers.models.qwen2_5_vl.processing_qwen2_5_vl import Qwen2_5_VLProcessor

try:
    from transformers.models.qwen2_vl.image_processing_pil_qwen2_vl import Qwen2VLImageProcessorPil
except ImportError:  # older transformers
    Qwen2VLImageProcessorPil = Qwen2VLImageProcessor


class StillPictureProcessor(Qwen2_5_VLProcessor):
    def __init__(self, image_processor: Any, tokenizer: Any, chat_template: str) -> None:
        super().__init__(image_processor, tokenizer, None, chat_template=chat_template)

    @classmethod
    def get_attributes(cls) -> list[str]:
        return ["image_processor", "tokenizer"]


def official_image_processor(folder: Path) -> Any:
    return Qwen2VLImageProcessorPil.from_pretrained(str(folder), local_files_only=True)


def official_inputs(folder: Path, views: list[torch.Tensor], text: str) -> Any:
    """What the library feeds its model: pictures [3, S, S] in [0, 1], then a text, in one user message."""
    tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
    processor = StillPictureProcessor(official_image_processor(folder), tokenizer, tokenizer.chat_template)
    pictures = [(view * 255).round().to(torch.uint8).permute(1, 2, 0).numpy().astype(np.uint8) for view in views]
    content = [*({"type": "image", "image": picture} for picture in pictures), {"type": "text", "text": text}]
    return processor.apply_chat_template(
        [{"role": "user", "content": content}], tokenize=True, return_dict=True, return_tensors="pt"
    )
