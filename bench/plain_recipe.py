"""The training step as one would write it first, after the original pipeline's description.

Every step hands the pictures to the processor, runs the whole vision tower, the language model and its output layer
through transformers' `Qwen2_5_VLForConditionalGeneration`, and recomputes every layer in the backward pass. What
follows the language model is the same in both, and so is the precision, so that the comparison is about the recipe.
"""

from collections.abc import Sequence
from typing import Any

import torch
from PIL.Image import Image
from torch import Tensor, nn

from bench.qwen_shapes import RandomQwen
from funcgrasp_core.grasp_model.grasp_model import GraspModel
from funcgrasp_core.grasp_model.layers import full_precision
from training.losses.grasp_objective import GraspObjective

LEARNING_RATE = 1e-4
WEIGHT_DECAY = 0.05
GRADIENT_CLIP = 1.0

Pictures = Sequence[Sequence[Image]]
"""B times 6."""


class PictureEncoder(nn.Module):
    """PIL pictures and texts as semantic vectors, by the library's processor and whole model.

    It shares all weights with the project's encoder and stands in its place: `encode_views` hands pictures through.

    Args:
        qwen: model and tokenizer.
    """

    views_are_frozen = False

    def __init__(self, qwen: RandomQwen) -> None:
        super().__init__()
        self.view_size = qwen.encoder.view_size
        self.processor = _processor(qwen)
        self.generator = qwen.generator
        self.head = qwen.encoder.head

    def encode_views(self, images: Pictures) -> Pictures:
        """The pictures themselves: nothing is kept between steps."""
        return images

    def forward(self, pictures: Pictures, view_mask: Tensor, texts: list[str]) -> Tensor:
        """B times 6 pictures, [B, 6] bool (all true) and B instructions -> [B, C_sem]."""
        inputs = self.processed(pictures, texts).to(view_mask.device)
        output = self.generator(**inputs, output_hidden_states=True, use_cache=False)
        hidden = output.hidden_states[-1]
        with full_precision(hidden):
            mask = inputs["attention_mask"][..., None]
            return self.head((hidden.float() * mask).sum(dim=1) / mask.sum(dim=1))

    def processed(self, pictures: Pictures, texts: list[str]) -> Any:
        """What the model takes, on the CPU."""
        prompts = [
            self.processor.apply_chat_template(
                [{"role": "user", "content": [*({"type": "image"} for _ in views), {"type": "text", "text": text}]}],
                tokenize=False,
            )
            for views, text in zip(pictures, texts, strict=True)
        ]
        flat = [picture for views in pictures for picture in views]
        return self.processor(text=prompts, images=flat, padding=True, return_tensors="pt")


def plain_optimiser(model: nn.Module) -> torch.optim.AdamW:
    """AdamW with nothing but the stated settings."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    return torch.optim.AdamW(trained, lr=LEARNING_RATE, weight_decay=WEIGHT_DECAY)


def plain_loss(model: GraspModel, objective: GraspObjective, batch: Any, bfloat16: bool) -> Tensor:
    """The total loss of an `ObservationBatch` on the model's device."""
    with torch.autocast(batch.points.device.type, torch.bfloat16, enabled=bfloat16):
        prediction = model(batch.points, batch.views, batch.texts, batch.vectors, batch.random)
    targets = objective.targets(batch.contact_distances, batch.points, progress=0.0)
    return objective(prediction.to_float(), targets)["total"]


def _processor(qwen: RandomQwen) -> Any:
    from transformers import AutoTokenizer, Qwen2VLImageProcessor
    from transformers.models.qwen2_5_vl.processing_qwen2_5_vl import Qwen2_5_VLProcessor

    class StillPictureProcessor(Qwen2_5_VLProcessor):
        """The library's, without its part for videos, which wants torchvision."""

        def __init__(self, image_processor: Any, tokenizer: Any, chat_template: str) -> None:
            super().__init__(image_processor, tokenizer, None, chat_template=chat_template)

        @classmethod
        def get_attributes(cls) -> list[str]:
            return ["image_processor", "tokenizer"]

    path = str(qwen.folder.path)
    tokenizer = AutoTokenizer.from_pretrained(path, local_files_only=True)
    images = Qwen2VLImageProcessor.from_pretrained(path, local_files_only=True)
    return StillPictureProcessor(images, tokenizer, qwen.folder.chat_template)
