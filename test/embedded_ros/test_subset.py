"""What is outside the subset says so by name, and a real ROS 2 is left alone."""

import importlib
import subprocess
import sys

import pytest
from script_process import ROOT

from embedded_ros.errors import NotInSubsetError


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("rclpy", "Wibble"),
        ("rclpy.qos", "DeadlineBestAvailable"),
        ("rclpy.node", "HIDDEN_NODE_PREFIX"),
        ("launch.actions", "RegisterEventHandler"),
        ("launch_ros.actions", "ComposableNodeContainer"),
        ("tf2_ros", "BufferClient"),
    ],
)
def test_missing_names(module: str, name: str) -> None:
    with pytest.raises(NotInSubsetError, match=f"{module}.{name} is not in the embedded subset"):
        getattr(importlib.import_module(module), name)


@pytest.mark.parametrize("module", ["rclpy.action", "launch.frontend", "launch_ros.descriptions", "rclpy.waitable"])
def test_missing_modules(module: str) -> None:
    import launch_ros  # noqa: F401
    import rclpy  # noqa: F401

    import launch  # noqa: F401

    with pytest.raises(NotInSubsetError, match=f"module {module} is not in the embedded subset"):
        importlib.import_module(module)


def test_missing_interface() -> None:
    import sensor_msgs.msg

    with pytest.raises(NotInSubsetError, match="interface sensor_msgs/msg/Smell"):
        _ = sensor_msgs.msg.Smell
    assert "PointCloud2" in dir(sensor_msgs.msg)


def test_standard_interfaces_need_no_stand_in_package() -> None:
    import rclpy  # noqa: F401

    nav_msgs = importlib.import_module("nav_msgs.msg")
    assert nav_msgs.Odometry(child_frame_id="base").child_frame_id == "base"
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("absent_msgs.msg")


def test_missing_options_of_launch() -> None:
    from launch.actions import ExecuteProcess

    with pytest.raises(NotInSubsetError, match=r"the argument \['on_exit'\] of ExecuteProcess"):
        ExecuteProcess(cmd=["true"], on_exit=[])


@pytest.mark.ros
def test_missing_members_and_options(ros) -> None:
    import rclpy
    import tf2_ros
    from rclpy.event_handler import PublisherEventCallbacks
    from rclpy.qos import QoSProfile, ReliabilityPolicy
    from std_msgs.msg import String

    node = rclpy.create_node("limited")
    with pytest.raises(NotInSubsetError, match=r"Node\.add_waitable"):
        node.add_waitable(None)
    with pytest.raises(NotInSubsetError, match=r"Node\.guards"):
        _ = node.guards
    with pytest.raises(NotInSubsetError, match="spin_thread"):
        tf2_ros.TransformListener(tf2_ros.Buffer(), node, spin_thread=True)
    with pytest.raises(TypeError, match="no events"):
        PublisherEventCallbacks(message_lost=print)
    with pytest.raises(NotInSubsetError, match="incompatible_type"):
        PublisherEventCallbacks(incompatible_type=print)
    with pytest.raises(NotInSubsetError, match="enable_logger_service"):
        rclpy.create_node("chatty", enable_logger_service=True)
    with pytest.raises(NotInSubsetError, match="BEST_AVAILABLE"):
        node.create_publisher(String, "x", QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_AVAILABLE))
    with pytest.raises(NotInSubsetError, match="as a message type"):
        node.create_publisher(str, "x", 1)


def test_discovery_range_off_is_refused(monkeypatch: pytest.MonkeyPatch, domain) -> None:
    import rclpy

    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "OFF")
    with pytest.raises(NotInSubsetError, match="ROS_AUTOMATIC_DISCOVERY_RANGE=OFF"):
        rclpy.Context().init([])


def test_real_ros_is_left_alone(tmp_path) -> None:
    (tmp_path / "rclpy").mkdir()
    (tmp_path / "rclpy" / "__init__.py").write_text("REAL = True")
    program = "import embedded_ros, rclpy; assert not embedded_ros.activate(); assert rclpy.REAL"
    paths = f"{tmp_path}:{ROOT}"
    subprocess.run([sys.executable, "-c", program], check=True, env={"PYTHONPATH": paths})
    started = subprocess.run(
        [sys.executable, "-m", "embedded_ros", "launch", "any.launch.py"],
        env={"PYTHONPATH": paths},
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert started.returncode == 2
    assert "use ros2 launch" in started.stderr


def test_starting_a_node_imports_little() -> None:
    """Start-up time is measured for the planner, so the stand-in must not pull in what it does not use."""
    program = "import sys; sys.path[:0] = sys.argv[1:]; import rclpy, rclpy.node, rclpy.lifecycle, tf2_ros\n"
    program += (
        "heavy = {'cyclonedds', 'torch', 'asyncio', 'scipy', 'launch'} & set(sys.modules); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", program, str(ROOT / "embedded_ros" / "site"), str(ROOT)], check=True)
