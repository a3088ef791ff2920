"""AdamW over what is trained."""

import torch
from accelerate import Accelerator
from accelerate.optimizer import AcceleratedOptimizer
from torch import nn

from training.experiments import OptimisationConfig
from training.run.sharding import plain_name


def prepare_for_training(
    accelerator: Accelerator, model: nn.Module, settings: OptimisationConfig
) -> tuple[nn.Module, AcceleratedOptimizer]:
    """The model as accelerate wraps it, and AdamW over its trainable parameters.

    See `OptimisationConfig.decayed` for what weight decay acts on. Loshchilov and Hutter, "Decoupled Weight Decay
    Regularization", ICLR 2019.
    """
    # Sharded parameters may have lost their dimensions.
    matrices = {name for name, parameter in model.named_parameters() if parameter.ndim > 1}
    if accelerator.is_fsdp2:
        return accelerator.prepare(model, _adamw(model, settings, matrices))
    prepared = accelerator.prepare(model)
    return prepared, accelerator.prepare(_adamw(prepared, settings, matrices))


def _adamw(model: nn.Module, settings: OptimisationConfig, matrices: set[str]) -> torch.optim.AdamW:
    trained = {plain_name(name): parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    groups = [{"params": list(trained.values()), "weight_decay": settings.weight_decay}]
    if settings.decayed == "matrices":
        decayed = [parameter for name, parameter in trained.items() if name in matrices]
        others = [parameter for name, parameter in trained.items() if name not in matrices]
        groups = [
            {"params": decayed, "weight_decay": settings.weight_decay},
            {"params": others, "weight_decay": 0.0},
        ]
    is_on_gpu = all(parameter.is_cuda for parameter in trained.values())
    return torch.optim.AdamW(groups, lr=settings.schedule.highest, fused=is_on_gpu or None)
