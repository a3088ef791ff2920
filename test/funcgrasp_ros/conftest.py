"""Puts the stand-in for ROS 2 on the path where ROS 2 is not installed, for these tests and what they start."""

import os

import pytest

from demo.ros_runtime import add_ros_to_path, free_domain

add_ros_to_path()


@pytest.fixture(scope="session", autouse=True)
def own_domain():
    """Keeps the tests' topics apart from those of anybody else on this machine."""
    before = os.environ.get("ROS_DOMAIN_ID")
    os.environ["ROS_DOMAIN_ID"] = str(free_domain())
    yield
    if before is None:
        del os.environ["ROS_DOMAIN_ID"]
    else:
        os.environ["ROS_DOMAIN_ID"] = before
