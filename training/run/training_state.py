"""Weights, optimiser and averaged weights as whole tensors on the CPU, whether the model is plain, DDP or FSDP.

Frozen weights are left out: they come from where the model was built from.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_model_state_dict,
    get_optimizer_state_dict,
    set_model_state_dict,
    set_optimizer_state_dict,
)

from training.run.weight_average import WeightAverage

# Not ignore_frozen_params: it insists on frozen weights that a model leaves out of its state itself.
_OPTIONS = StateDictOptions(full_state_dict=True, cpu_offload=True, strict=False)
_WRAPPERS = ("_fsdp_wrapped_module.", "_orig_mod.")


def gather_state(model: nn.Module, optimiser: torch.optim.Optimizer, average: WeightAverage | None) -> dict[str, Any]:
    """`weights`, `optimiser` and `average` (None if there is none); with FSDP, on the first process only.

    Every process must call it.
    """
    return {
        "weights": _gather_weights(model),
        "optimiser": get_optimizer_state_dict(model, optimiser, options=_OPTIONS),
        "average": _gather_average(model, average),
    }


def restore_state(
    model: nn.Module, optimiser: torch.optim.Optimizer, average: WeightAverage | None, state: dict[str, Any]
) -> None:
    """Inverse of `gather_state`; every process gives the same state."""
    set_optimizer_state_dict(model, optimiser, state["optimiser"], options=_OPTIONS)
    # torch makes a state for parameters that never had a gradient; they shall go on without one.
    known = set(state["optimiser"]["state"])
    for name, parameter in model.named_parameters():
        if _plain_name(name) not in known:
            optimiser.state.pop(parameter, None)
    if average is not None:
        set_model_state_dict(model, state["average"], options=_OPTIONS)
        average.take()
    set_model_state_dict(model, state["weights"], options=_OPTIONS)


def _gather_average(model: nn.Module, average: WeightAverage | None) -> dict[str, Tensor] | None:
    if average is None:
        return None
    with average.in_place():
        return {name: tensor.clone() for name, tensor in _gather_weights(model).items()}


def _gather_weights(model: nn.Module) -> dict[str, Tensor]:
    frozen = {_plain_name(name) for name, parameter in model.named_parameters() if not parameter.requires_grad}
    weights = get_model_state_dict(model, options=_OPTIONS)
    return {name: torch.as_tensor(tensor) for name, tensor in weights.items() if name not in frozen}


def _plain_name(name: str) -> str:
    """A parameter's name without what DDP, FSDP and the compiler put into it."""
    for wrapper in _WRAPPERS:
        name = name.replace(wrapper, "")
    return name.removeprefix("module.")
