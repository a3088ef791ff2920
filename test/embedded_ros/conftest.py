"""The stand-in's own tests: they need it on the path, and each test that talks gets a DDS domain of its own."""

import itertools
import os
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE)]

from script_process import Script  # noqa: E402

import embedded_ros  # noqa: E402
from demo.ros_runtime import free_domain  # noqa: E402

if embedded_ros.activate():
    # Other tests of the same run start processes too and find the stand-in on the path already.
    folders = [str(embedded_ros.SITE_FOLDER), str(embedded_ros.SOURCE_ROOT), os.environ.get("PYTHONPATH", "")]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, folders))
else:
    collect_ignore_glob = ["test_*.py"]

_domains = itertools.count(os.getpid())


@pytest.fixture
def domain(monkeypatch: pytest.MonkeyPatch) -> int:
    """A DDS domain that no other test of this run uses."""
    number = free_domain(next(_domains))
    monkeypatch.setenv("ROS_DOMAIN_ID", str(number))
    return number


@pytest.fixture
def ros(domain: int) -> Iterator[None]:
    """The default context, between init and shutdown."""
    import rclpy

    rclpy.init(args=[])
    yield
    rclpy.try_shutdown()


@pytest.fixture
def start_script(tmp_path: Path, domain: int) -> Iterator[Callable[..., Script]]:
    """Starts Python source as a process: `start_script(source, *arguments)`."""
    started: list[Script] = []

    def start(source: str, *arguments: str) -> Script:
        path = tmp_path / f"script_{len(started)}.py"
        path.write_text(textwrap.dedent(source))
        started.append(Script(path, arguments))
        return started[-1]

    yield start
    for script in started:
        script.stop()
