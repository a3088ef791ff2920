"""What differs when a model's weights are spread over processes (FSDP)."""

from collections.abc import Iterator
from contextlib import contextmanager

from accelerate import Accelerator
from torch import nn


def is_sharded(model: nn.Module) -> bool:
    """Whether no process has all weights of a prepared model."""
    return any(
        hasattr(module, "unshard") or type(module).__name__ == "FullyShardedDataParallel" for module in model.modules()
    )


@contextmanager
def whole_weights(accelerator: Accelerator, model: nn.Module) -> Iterator[nn.Module]:
    """The model itself, without wrappers, with all weights on every process; changes to them are lost if sharded."""
    unwrapped = accelerator.unwrap_model(model, keep_torch_compile=False)
    shards = [module for module in model.modules() if hasattr(module, "unshard")]
    if shards:
        for module in shards:
            module.unshard()  # type: ignore[operator]
        try:
            yield unwrapped
        finally:
            for module in shards:
                module.reshard()  # type: ignore[operator]
    elif is_sharded(model):
        from torch.distributed.fsdp import FullyShardedDataParallel

        with FullyShardedDataParallel.summon_full_params(model, writeback=False):
            yield unwrapped
    else:
        yield unwrapped
