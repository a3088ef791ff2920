"""AdamW over what is trained."""

import torch
from torch import nn

from training.experiments import OptimisationConfig


def build_adamw(model: nn.Module, settings: OptimisationConfig) -> torch.optim.AdamW:
    """AdamW over the trainable parameters; see `OptimisationConfig.decayed` for what its weight decay acts on.

    Loshchilov and Hutter, "Decoupled Weight Decay Regularization", ICLR 2019.
    """
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [{"params": trained, "weight_decay": settings.weight_decay}]
    if settings.decayed == "matrices":
        matrices = [parameter for parameter in trained if parameter.ndim > 1]
        others = [parameter for parameter in trained if parameter.ndim <= 1]
        groups = [
            {"params": matrices, "weight_decay": settings.weight_decay},
            {"params": others, "weight_decay": 0.0},
        ]
    return torch.optim.AdamW(groups, lr=settings.schedule.highest)
