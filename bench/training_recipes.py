"""Our training step and the straightforward one, around the same weights."""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from bench.made_up_batches import MadeUpBatches
from bench.plain_recipe import GRADIENT_CLIP, PictureEncoder, plain_loss, plain_optimiser
from bench.qwen_shapes import Shape, make_random_qwen
from funcgrasp_core.grasp_model.config import (
    FlowConfig,
    FusionConfig,
    GraspModelConfig,
    PointNet2Config,
    SetAbstractionConfig,
)
from funcgrasp_core.grasp_model.grasp_model import GraspModel, build_grasp_model
from funcgrasp_core.grasp_model.named_configs import FUNCGRASP_V2
from funcgrasp_core.grasp_model.qwen.config import QwenSemanticConfig
from training.experiments import FUNCGRASP_V2_EXPERIMENT
from training.losses.grasp_objective import GraspObjective
from training.run.grasp_trainer import make_accelerator
from training.run.optimiser import prepare_for_training
from training.run.step_gradients import TrainingPass, accumulate_gradients

MODEL_CONFIGS: dict[Shape, GraspModelConfig] = {
    "3b": dataclasses.replace(FUNCGRASP_V2, semantic=QwenSemanticConfig(gradient_checkpointing=False)),
    "tiny": dataclasses.replace(
        FUNCGRASP_V2,
        num_points=64,
        geometry=PointNet2Config(
            first=SetAbstractionConfig(32, 0.2, 8, (16, 32)),
            second=SetAbstractionConfig(16, 0.4, 8, (32, 32)),
            global_widths=(32,),
            propagation_widths=(32,),
        ),
        semantic=QwenSemanticConfig(gradient_checkpointing=False, view_size=56),
        semantic_size=32,
        fusion=FusionConfig(layers=1, heads=4, feedforward=64),
        contact_hidden=32,
        flow=FlowConfig(width=64),
    ),
}
"""The grasp model around Qwen2.5-VL; the tiny one is for tests."""


class TrainingRecipes:
    """One set of weights, one batch, two ways to make a step.

    Args:
        shape: of Qwen2.5-VL.
        batch_size: B.
        device: to train on.
        tokenizer_folder: made if there is nothing.
    """

    def __init__(self, shape: Shape, batch_size: int, device: torch.device, tokenizer_folder: Path) -> None:
        self.device = device
        config = MODEL_CONFIGS[shape]
        assert isinstance(config.semantic, QwenSemanticConfig)
        self.qwen = make_random_qwen(shape, config.semantic, config.semantic_size, device, tokenizer_folder)
        self.ours, self.plain = (
            grasp_model_around(encoder, config, tokenizer_folder).to(device)
            for encoder in (self.qwen.encoder, PictureEncoder(self.qwen))
        )
        for name, part in self.ours.named_children():
            if name != "semantic_encoder":
                setattr(self.plain, name, part)
        settings = FUNCGRASP_V2_EXPERIMENT
        accelerator = make_accelerator(device.type)
        _, self.our_optimiser = prepare_for_training(accelerator, self.ours, settings.optimisation)
        self.plain_optimiser = plain_optimiser(self.plain)
        self._clip = settings.optimisation.gradient_clip
        self.training_pass = TrainingPass(
            accelerator,
            GraspObjective(settings.losses),
            bfloat16=True,
        )
        _prepare_recomputation(self.qwen.generator)
        self.set_batch(batch_size)

    def set_batch(self, batch_size: int) -> None:
        """Take another batch."""
        self.batches = MadeUpBatches.make(batch_size, self.ours.config.num_points, self.ours.semantic_encoder.view_size)
        self.features = self.encoded_views()

    def encoded_views(self) -> Tensor:
        """Features of the batch's views on the CPU, as training keeps them."""
        images = self.batches.observations.views.images  # type: ignore[union-attr] - pictures
        encode = self.qwen.encoder.eval().encode_views
        return torch.cat([encode(part.to(self.device)).cpu() for part in images.split(8)])

    def our_gradients(self, recompute: bool = False) -> float:
        """Forward and backward pass as the trainer makes them; the total loss."""
        self.ours.train()
        set_recomputation(self.qwen.generator, recompute)
        batch = self.batches.with_features(self.features)
        return accumulate_gradients(self.training_pass, self.ours, [batch], progress=0.0)["total"]

    def our_step(self, recompute: bool = False) -> float:
        """A whole step as the trainer makes it; the total loss."""
        loss = self.our_gradients(recompute)
        float(torch.as_tensor(self.training_pass.accelerator.clip_grad_norm_(self.ours.parameters(), self._clip)))
        self.our_optimiser.step()
        self.our_optimiser.zero_grad()
        return loss

    def plain_gradients(self) -> float:
        """Forward and backward pass of the straightforward recipe; the total loss."""
        self.plain.train()
        set_recomputation(self.qwen.generator, True)
        batch = self.batches.with_pictures().to(self.device)
        loss = plain_loss(self.plain, self.training_pass.objective, batch, self.training_pass.bfloat16)
        loss.backward()
        return float(loss.detach())

    def plain_step(self) -> float:
        """A whole step of the straightforward recipe; the total loss."""
        loss = self.plain_gradients()
        nn.utils.clip_grad_norm_(self.plain.parameters(), GRADIENT_CLIP)
        self.plain_optimiser.step()
        self.plain_optimiser.zero_grad()
        return loss

    def drop_gradients(self) -> None:
        """Let go of all gradients, of a step that broke off too."""
        self.ours.zero_grad(set_to_none=True)

    def adapter_gradients(self) -> Tensor:
        """The gradients of all adapters in one vector, which are dropped."""
        named = [p for name, p in self.ours.named_parameters() if "lora_" in name]
        gradients = torch.cat([parameter.grad.flatten() for parameter in named if parameter.grad is not None])
        self.drop_gradients()
        return gradients

    @contextmanager
    def in_float32(self) -> Iterator[None]:
        """All weights and products in float32 inside this context; afterwards as before, to the bit."""
        halves = [parameter for parameter in self.qwen.generator.parameters() if parameter.dtype == torch.bfloat16]
        features, training_pass = self.features, self.training_pass
        try:
            for parameter in halves:
                parameter.data = parameter.data.float()
            self.training_pass = dataclasses.replace(training_pass, bfloat16=False)
            self.features = self.encoded_views()
            yield
        finally:
            for parameter in halves:
                parameter.data = parameter.data.bfloat16()
            self.features, self.training_pass = features, training_pass


def grasp_model_around(encoder: nn.Module, config: GraspModelConfig, tokenizer_folder: Path) -> GraspModel:
    """A grasp model with random weights and the given semantic encoder in place of the folder's tiny one."""
    model = build_grasp_model(config, tokenizer_folder)
    model.semantic_encoder = encoder  # type: ignore[assignment] - every caller's is one
    return model


def set_recomputation(model: Any, is_wanted: bool) -> None:
    """Recompute all layers in the backward pass, or none."""
    for module in model.modules():
        if hasattr(module, "gradient_checkpointing"):
            module.gradient_checkpointing = is_wanted


@contextmanager
def without_dropout(model: nn.Module) -> Iterator[None]:
    """A context in which dropout layers let everything through, in training mode too."""
    dropouts = [module for module in model.modules() if isinstance(module, nn.Dropout)]
    attentions = [module for module in model.modules() if isinstance(module, nn.MultiheadAttention)]
    shares = [module.p for module in dropouts], [module.dropout for module in attentions]
    for module in dropouts:
        module.p = 0.0
    for module in attentions:
        module.dropout = 0.0
    try:
        yield
    finally:
        for module, share in zip(dropouts, shares[0], strict=True):
            module.p = share
        for module, share in zip(attentions, shares[1], strict=True):
            module.dropout = share


def _prepare_recomputation(model: Any) -> None:
    # Renamed in transformers 5.23; the old name warns there and is gone in 6.
    enable = getattr(model, "activation_checkpointing_enable", None) or model.gradient_checkpointing_enable
    enable({"use_reentrant": False})
    # That also asked for gradients of the inputs, which only reentrant recomputation wants: the frozen vision tower
    # would be differentiated for nothing.
    model.disable_input_require_grads()
    set_recomputation(model, False)
