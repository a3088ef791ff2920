"""An rclpy-compatible subset over real DDS, for machines without ROS 2.

`embedded_ros/site/` holds packages that stand in for ROS's own (rclpy, std_msgs, launch, ...). `activate()` or
`python -m embedded_ros ...` put it on the path; where a real rclpy is installed nothing is changed.
"""

import importlib.util
import sys

from embedded_ros.packages import SITE_FOLDER, SOURCE_ROOT


def has_real_ros() -> bool:
    """Whether ROS 2's own rclpy can be imported."""
    spec = importlib.util.find_spec("rclpy")
    return spec is not None and not str(spec.origin).startswith(str(SITE_FOLDER))


def activate() -> bool:
    """Put `site/` on the import path unless ROS 2 is installed; whether the subset is used now."""
    if has_real_ros():
        return False
    for folder in (str(SITE_FOLDER), str(SOURCE_ROOT)):
        if folder not in sys.path:
            sys.path.insert(0, folder)
    return True
