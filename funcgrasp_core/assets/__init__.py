"""The files that ship with the package, found by one function.

A checkout, a wheel and a colcon install (copied or symlinked) all keep this folder's files beside this module, so the
module's own place is the locator; no environment variable and no search path is involved.
"""

from pathlib import Path

REFERENCE_HAND = "reference_hand.safetensors"
"""The stand-in for MANO that `funcgrasp_core.hand.reference_hand` generates."""

COMPACT_CHECKPOINT = "compact.safetensors"
"""Weights of the configuration `compact`, in half precision."""

DEMO_RECORDING = "demo_scene.mcap"
"""A recorded scene: the cloud of a mug, camera images with CameraInfo and static transforms."""


def asset_path(name: str) -> Path:
    """Path of a shipped file. Whoever opens it checks that it exists, with the error of its own kind.

    Args:
        name: file name inside this folder, such as `REFERENCE_HAND`.
    """
    return Path(__file__).resolve().parent / name
