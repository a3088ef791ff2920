"""What holds for all tests."""

import signal
from pathlib import Path

import pytest

# A shell that starts the tests in the background lets them ignore SIGINT, and what they start would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def tiny_qwen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny Qwen2.5-VL checkpoint, which tests only read."""
    from training.make_tiny_qwen import make_tiny_qwen

    return make_tiny_qwen(tmp_path_factory.mktemp("qwen") / "tiny")
