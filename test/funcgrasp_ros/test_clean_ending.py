import pytest
import rclpy

from funcgrasp_ros.clean_ending import end_ros

pytestmark = pytest.mark.ros


def test_ros_is_ended_once_however_often_it_is_asked():
    rclpy.init()
    end_ros()
    assert not rclpy.ok()
    end_ros()


def test_a_signal_that_was_faster_is_no_error(monkeypatch):
    rclpy.init()
    shut_down = rclpy.try_shutdown

    def too_late() -> None:
        shut_down()
        raise RuntimeError("rcl_shutdown already called on the given context")

    monkeypatch.setattr(rclpy, "try_shutdown", too_late)
    end_ros()


def test_a_shutdown_that_fails_is_an_error(monkeypatch):
    rclpy.init()

    def fail() -> None:
        raise RuntimeError("broken")

    try:
        with monkeypatch.context() as patch:
            patch.setattr(rclpy, "try_shutdown", fail)
            with pytest.raises(RuntimeError, match="broken"):
                end_ros()
    finally:
        rclpy.try_shutdown()
