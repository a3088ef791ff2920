"""Puts the stand-in for ROS 2 on the path where ROS 2 is not installed, for these tests and what they start."""

import importlib.util
import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STAND_IN = ROOT / "embedded_ros" / "site"

if importlib.util.find_spec("rclpy") is None and STAND_IN.is_dir():
    sys.path[:0] = [str(ROOT), str(STAND_IN)]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), str(STAND_IN), os.environ.get("PYTHONPATH")]))


@pytest.fixture(scope="session", autouse=True)
def own_domain():
    """Keeps the tests' topics apart from those of anybody else on this machine."""
    before = os.environ.get("ROS_DOMAIN_ID")
    os.environ["ROS_DOMAIN_ID"] = str(1 + os.getpid() % 100)
    yield
    if before is None:
        del os.environ["ROS_DOMAIN_ID"]
    else:
        os.environ["ROS_DOMAIN_ID"] = before
