"""Published rates of GPUs: what a measured step is set against, and what costs are computed for."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Gpu:
    """One GPU by its data sheet.

    Attributes:
        name: in tables.
        device_names: parts of what `torch.cuda.get_device_name` says, all of which must be there.
        bf16_tflops: dense matrix products of bfloat16 summed in float32, 10^12 operations a second.
        memory_gib: that a process can use, about.
        bandwidth_tb_s: of the memory, 10^12 bytes a second.
    """

    name: str
    device_names: tuple[str, ...]
    bf16_tflops: float
    memory_gib: float
    bandwidth_tb_s: float


KNOWN_GPUS = (
    Gpu("RTX 4090 24 GB", ("4090",), 165.2, 23.5, 1.008),
    Gpu("A100 40 GB", ("A100", "40GB"), 312.0, 39.4, 1.555),
    Gpu("A100 80 GB", ("A100", "80GB"), 312.0, 79.1, 2.039),
    Gpu("H100 80 GB", ("H100",), 989.4, 79.1, 3.35),
    Gpu("H200 141 GB", ("H200",), 989.4, 139.8, 4.8),
)
"""A100, H100 and H200 are the SXM modules; other modules of the same name are slower."""


def known_gpu(device_name: str) -> Gpu | None:
    """The GPU that PyTorch calls so, None if its rates are not written down."""
    for gpu in KNOWN_GPUS:
        if all(part in device_name for part in gpu.device_names):
            return gpu
    return None
