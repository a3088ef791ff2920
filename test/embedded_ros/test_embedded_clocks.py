"""Clocks that jump, timers on simulated time, rates."""

import threading
import time

import pytest
from script_process import spin_until


@pytest.mark.ros
def test_timer_follows_the_clock_topic(ros) -> None:
    import rclpy
    from rclpy.parameter import Parameter
    from rclpy.time import Time
    from rosgraph_msgs.msg import Clock

    node = rclpy.create_node("simulated", parameter_overrides=[Parameter("use_sim_time", value=True)])
    assert node.get_clock().now().nanoseconds == 0
    ticks = []
    timer = node.create_timer(10.0, lambda: ticks.append(node.get_clock().now().nanoseconds))
    publisher = node.create_publisher(Clock, "/clock", 1)

    def advance(seconds: int) -> None:
        publisher.publish(Clock(clock=Time(seconds=seconds).to_msg()))
        assert spin_until(node, lambda: node.get_clock().now().nanoseconds == seconds * 10**9)

    advance(9)
    rclpy.spin_once(node, timeout_sec=0.1)
    assert ticks == []
    assert timer.time_until_next_call() == 10**9
    advance(25)
    assert spin_until(node, lambda: bool(ticks))
    assert ticks == [25 * 10**9], "calls that were missed are skipped"
    assert timer.time_until_next_call() == 5 * 10**9
    advance(3)
    assert timer.time_until_next_call() == 10 * 10**9, "a jump back starts the period anew"
    node.set_parameters([Parameter("use_sim_time", value=False)])
    assert abs(node.get_clock().now().nanoseconds - time.time_ns()) < 10**9
    assert 0 < timer.time_until_next_call() <= 10 * 10**9


@pytest.mark.ros
def test_rate_sleeps_from_tick_to_tick(ros) -> None:
    import rclpy

    node = rclpy.create_node("rated")
    rate = node.create_rate(50.0)
    woken: list[float] = []

    def sleep_twice() -> None:
        for _ in range(2):
            rate.sleep()
            woken.append(time.monotonic())

    sleeper = threading.Thread(target=sleep_twice)
    start = time.monotonic()
    sleeper.start()
    assert spin_until(node, lambda: len(woken) == 2)
    sleeper.join()
    assert woken[1] - start >= 0.02
    assert node.destroy_rate(rate)
    with pytest.raises(RuntimeError, match="destroyed"):
        rate.sleep()
    with pytest.raises(ValueError, match="frequency"):
        node.create_rate(0.0)


def test_jumps_are_reported_to_whom_they_concern() -> None:
    from rclpy.clock import ClockChange, JumpThreshold, ROSClock
    from rclpy.duration import Duration
    from rclpy.time import Time

    clock, seen = ROSClock(), []
    forward = JumpThreshold(min_forward=Duration(seconds=2), min_backward=None, on_clock_change=False)
    change = JumpThreshold(min_forward=None, min_backward=None)
    with (
        clock.create_jump_callback(forward, post_callback=lambda jump: seen.append(jump.delta.nanoseconds)),
        clock.create_jump_callback(change, post_callback=lambda jump: seen.append(jump.clock_change)),
    ):
        clock._set_ros_time_is_active(True)
        clock.set_ros_time_override(Time(seconds=1))
        clock.set_ros_time_override(Time(seconds=4))
    clock.set_ros_time_override(Time(seconds=9))
    assert seen == [ClockChange.ROS_TIME_ACTIVATED, 3 * 10**9]
    with pytest.raises(ValueError, match="must be callable"):
        clock.create_jump_callback(change)
