"""ROS 2 where it is installed, else the stand-in that comes with the sources: for programs run from a checkout."""

import importlib.util
import os
import socket
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
NUM_DOMAINS = 100
"""The ports of higher ones may be taken by any program's outgoing connections."""

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


def free_domain(first: int | None = None) -> int:
    """A DDS domain, 1 to 100, that no process of this machine takes part in: another planner would answer too.

    Args:
        first: where the search begins; None: anywhere.

    Raises:
        RuntimeError: all are in use.
    """
    first = os.getpid() if first is None else first
    for domain in (1 + (first + offset) % NUM_DOMAINS for offset in range(NUM_DOMAINS)):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as first_participants_port:
            try:
                first_participants_port.bind(("", 7410 + 250 * domain))
            except OSError:
                continue
            return domain
    raise RuntimeError(f"the DDS domains 1 to {NUM_DOMAINS} are all in use on this machine; end programs that use ROS")


def choose_domain() -> None:
    """Keeps programs apart from other robots and planners, unless the user has chosen a domain."""
    if "ROS_DOMAIN_ID" not in os.environ:
        os.environ["ROS_DOMAIN_ID"] = str(free_domain())
