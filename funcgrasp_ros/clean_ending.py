"""Ends a node's process cleanly, whenever SIGINT or SIGTERM comes: before ROS runs, while it runs, and once more.

rclpy handles the two signals from its `init` to its `shutdown`. A node that first imports PyTorch for seconds would end
with a traceback before that, and one that is interrupted again while it ends would, too. Imports nothing that takes
long.

    end_cleanly_on_signals()
    from package.heavy_node import main
    exit_at_once(main())
"""

import enum
import gc
import os
import signal
import sys
from types import FrameType
from typing import NoReturn


class _Stage(enum.Enum):
    STARTING = enum.auto()
    RUNNING = enum.auto()
    ENDING = enum.auto()


_stage = _Stage.STARTING


def end_cleanly_on_signals() -> None:
    """From now on the first signal ends the process with exit code 0. Called first, by the main thread."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _handle)


def raise_on_signals() -> None:
    """From now on the first signal raises KeyboardInterrupt, and later ones do nothing. Called after rclpy's `init`."""
    global _stage
    _stage = _Stage.RUNNING


def end_ros() -> None:
    """Shuts rclpy down if nobody has.

    In Jazzy `try_shutdown` fails when the thread in which rclpy handles a signal is shutting down at the same moment.
    """
    import rclpy

    try:
        rclpy.try_shutdown()
    except RuntimeError:
        if rclpy.ok():
            raise


def exit_at_once(exit_code: int) -> NoReturn:
    """Ends the process after a `main` that has ended its threads and left nothing open.

    Python would first take all modules apart, which with PyTorch is a second of processor time. What `main` dropped is
    collected, though: a lifecycle node is held by itself, and other programs would see it until its lease ends.
    """
    gc.collect()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(exit_code)


def _handle(number: int, frame: FrameType | None) -> None:
    """Python's handler; rclpy's own calls it too."""
    global _stage
    stage, _stage = _stage, _Stage.ENDING
    if stage is _Stage.STARTING:
        # What the imports have begun need not be undone, and an exception among them may be swallowed.
        os._exit(0)
    if stage is _Stage.RUNNING:
        raise KeyboardInterrupt
