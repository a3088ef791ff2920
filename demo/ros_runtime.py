"""ROS 2 where it is installed, else the stand-in that comes with the sources: for programs run from a checkout."""

import importlib.util
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STAND_IN = ROOT / "embedded_ros" / "site"


def add_ros_to_path() -> None:
    """Makes rclpy importable here and in programs started from here, and the project's own packages too."""
    folders = [str(ROOT)] if importlib.util.find_spec("rclpy") else [str(ROOT), str(STAND_IN)]
    sys.path[:0] = [folder for folder in folders if folder not in sys.path]
    inherited = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    added = [folder for folder in folders if folder not in inherited]
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [*added, *inherited]))


def launch_command(launch_file: Path) -> list[str]:
    """How a launch file is started."""
    if importlib.util.find_spec("ros2launch"):
        return ["ros2", "launch", str(launch_file)]
    return [sys.executable, "-m", "embedded_ros", "launch", str(launch_file)]


def choose_domain() -> None:
    """Keeps programs apart from a robot on the same network, unless the user has chosen a domain."""
    os.environ.setdefault("ROS_DOMAIN_ID", str(1 + os.getpid() % 100))
