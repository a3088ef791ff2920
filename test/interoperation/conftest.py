"""The C programs, compiled once, and a DDS domain of their own. The planner's tests lend their bench."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from demo.ros_runtime import ROOT, add_ros_to_path, free_domain

add_ros_to_path()
sys.path.append(str(ROOT / "test" / "funcgrasp_ros"))

from peer_programs import PeerProgram, compile_programs, running, why_not_to_compile  # noqa: E402


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the compiled programs."""
    reason = why_not_to_compile()
    if reason:
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("peer_programs")
    compile_programs(folder)
    return folder


@pytest.fixture
def domain(monkeypatch: pytest.MonkeyPatch) -> None:
    """ROS nodes and programs that start after this have a domain for themselves."""
    monkeypatch.setenv("ROS_DOMAIN_ID", str(free_domain()))


@pytest.fixture
def start_program(programs: Path, domain: None) -> Iterator[Callable[..., PeerProgram]]:
    """Starts a program: `start_program(name, *arguments, network=...)`; none outlives the test."""
    with ExitStack() as started:
        yield lambda name, *rest, **network: started.enter_context(running(programs / name, *rest, **network))
